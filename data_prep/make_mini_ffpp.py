"""Render a small FaceForensics++-shaped dataset: ``python data_prep/make_mini_ffpp.py --help``."""

if __name__ == '__main__':
    # Inside the guard: every rendering process imports this file again, and needs neither mmfake
    # nor torch.
    from mini_ffpp.cli import main

    from mmfake.apis import run_command

    run_command(main)
