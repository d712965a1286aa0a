"""Render a small FaceForensics++-shaped dataset: ``python data_prep/make_mini_ffpp.py --help``."""

if __name__ == '__main__':
    from mini_ffpp.cli import main

    from mmfake.apis import run_command

    run_command(main)
