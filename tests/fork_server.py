"""A process that has imported everything and forks for each script it is told to run.

A script; its orders are lines of JSON: a list of the scripts to run at once, each ``{words, cwd,
env, stdout, stderr}``, where the words are those after ``python`` and the last two name files. It
answers with their process ids, and with their exit codes as ``subprocess`` gives them. The line
``end`` ends it.
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import signal
import sys
import threading

# what the commands import, whatever of it is there
MODULES = (
    *('torch', 'cv2', 'av', 'pandas', 'scipy.stats', 'sklearn.metrics', 'sklearn.manifold'),
    *('matplotlib.figure', 'matplotlib.backends.backend_agg', 'jinja2', 'rich.progress'),
    *('mmfake.register', 'mmfake.apis.train', 'mmfake.apis.test'),
)


def serve():
    """Import, then fork for each line."""
    del sys.path[0]  # the folder of this file
    for name in MODULES:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # mmengine collects garbage for every dataset: spare it what was imported
    answers = os.fdopen(os.dup(1), 'w')
    for line in sys.stdin:
        if line == 'end\n':
            break
        children = []
        for order in json.loads(line):
            child = os.fork()
            if not child:
                answers.close()
                live(**order)
            children.append(child)
        print(json.dumps(children), file=answers, flush=True)
        statuses = [os.waitpid(child, 0)[1] for child in children]
        codes = [-os.WTERMSIG(s) if os.WIFSIGNALED(s) else os.WEXITSTATUS(s) for s in statuses]
        print(json.dumps(codes), file=answers, flush=True)


def live(words, cwd, env, stdout, stderr):
    """Become ``python WORDS`` and end as it does."""
    for stream, path in ((0, os.devnull), (1, stdout), (2, stderr)):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND), stream)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    sys.argv = words
    sys.path.insert(0, os.path.dirname(os.path.abspath(words[0])))
    code = 0
    try:
        runpy.run_path(words[0], run_name='__main__')
    except SystemExit as end:
        code = end.code
        if code is None or isinstance(code, str):
            print(code or '', end='\n' if code else '', file=sys.stderr)
            code = int(bool(code))
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == '__main__':
    serve()
