"""Prepare FaceForensics++: ``python data_prep/prepare_ffpp.py --help``."""

if __name__ == '__main__':
    from prepare.ffpp_command import main

    from mmfake.apis import run_command

    run_command(main)
