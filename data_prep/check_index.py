"""Look for leaks and damage in a prepared dataset: ``python data_prep/check_index.py --help``."""

if __name__ == '__main__':
    # inside the guard: every process that reads clips imports this file again
    from audit.cli import main

    from mmfake.apis import run_command

    run_command(main)
