"""Trainings in processes of their own, some of which are killed: a script that is sent orders.

It imports everything once. An order is a line of JSON, a list of processes to fork at once, each
``{name, words, output, environment}``: the function, its arguments, the file for what it prints.
The answer is a line with their exit codes. An order as an argument is done without forking.
"""

import json
import os
import random
import resource
import signal
import sys

import harness
import rank
import torch
from mmengine.runner import Runner

from mmfake.engine.checkpoint_files import AtomicLocalBackend


def serve():
    torch.set_num_threads(1)
    harness.make_host_fast(setattr)
    if len(sys.argv) > 1:
        sys.exit(max(be(**process) for process in json.loads(sys.argv[1])))
    answers = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)
    for line in sys.stdin:
        children = []
        for process in json.loads(line):
            child = os.fork()
            if not child:
                os._exit(be(**process))
            children.append(child)
        statuses = [os.waitpid(child, 0)[1] for child in children]
        codes = [-os.WTERMSIG(s) if os.WIFSIGNALED(s) else os.WEXITSTATUS(s) for s in statuses]
        print(json.dumps(codes), file=answers, flush=True)


def be(name, words, output, environment):
    """Call the function; gives the exit code."""
    for stream in (1, 2):
        os.dup2(os.open(output, os.O_CREAT | os.O_APPEND | os.O_WRONLY), stream)
    os.environ.update(environment)
    try:
        dict(live=live, rank=rank.be_rank)[name](**words)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


def live(folder, scale, settings, fate):
    """Train, going on from what is there.

    Args:
        folder (str): Gets ``work`` and ``end.pth``.
        scale (str): Config merged over that of the regime.
        settings (dict): Further settings.
        fate (list | None): ``[kind, seed, calls]``: when to be killed.
    """
    calls = 0

    def count(*_):
        nonlocal calls
        calls += 1  # a trace that gives no other trace back is told of calls alone
        if calls == death:
            os.kill(os.getpid(), signal.SIGKILL)

    dice = random.Random(fate and fate[1])
    death = dice.randrange(1, fate[2]) if fate and fate[0] == 'call' else None
    if fate and fate[0] == 'write':
        die_in_write(dice.randrange(1, 4), dice.random())
    cfg = harness.config_of('bin_multi_con', f'{folder}/work', scale, '--resume', **settings)
    runner = Runner.from_cfg(cfg)
    if not fate or fate[0] == 'call':
        os.register_at_fork(after_in_child=lambda: sys.settrace(None))  # no worker dies of it
        sys.settrace(count)
    runner.train()
    sys.settrace(None)
    torch.save((calls, harness.state_of(runner)), f'{folder}/end.pth')


def die_in_write(number, share):
    """Kill -9 in a write of a checkpoint when a share of it is on the disk."""
    put = AtomicLocalBackend.put

    def dying_put(self, content, path):
        nonlocal number
        number -= 1
        if not number:
            signal.signal(signal.SIGXFSZ, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
            limit = int(share * len(content))
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        put(self, content, path)

    AtomicLocalBackend.put = dying_put


if __name__ == '__main__':
    serve()
