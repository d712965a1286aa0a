"""Join the indexes of shards: ``python data_prep/merge_index.py --help``."""

if __name__ == '__main__':
    from prepare.merge import main

    from mmfake.apis import run_command

    run_command(main)
