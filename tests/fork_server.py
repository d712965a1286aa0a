"""A process that has imported everything and forks for each script it is told to run.

A script; its orders are lines of JSON: ``{words, cwd, env, stdout, stderr}``, where the words are
those after ``python`` and the last two name files. It answers with the process id, and with the
exit code as ``subprocess`` gives it. The line ``end`` ends it.
"""

import atexit
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
    answers = os.fdopen(os.dup(1), 'w')
    for line in sys.stdin:
        if line == 'end\n':
            break
        child = os.fork()
        if not child:
            answers.close()
            live(**json.loads(line))
        print(child, file=answers, flush=True)
        _, status = os.waitpid(child, 0)
        code = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        print(code, file=answers, flush=True)


def live(words, cwd, env, stdout, stderr):
    """Become ``python WORDS`` and end as it does."""
    for stream, path in ((0, os.devnull), (1, stdout), (2, stderr)):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT), stream)
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
