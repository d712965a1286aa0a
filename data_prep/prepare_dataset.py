"""Prepare Celeb-DF, DFDC and other datasets: ``python data_prep/prepare_dataset.py --help``."""

if __name__ == '__main__':
    from prepare.dataset_command import main

    from mmfake.apis import run_command

    run_command(main)
