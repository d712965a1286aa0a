"""Draw a prepared dataset: ``python data_prep/preview.py --help``."""

if __name__ == '__main__':
    from preview_sheet.cli import main

    from mmfake.apis import run_command

    run_command(main)
