from mmfake.apis.cross_manipulation.cell import Cell, find_cells, find_configs


def test_cells_are_found_in_the_order_of_the_table(tmp_path):
    names = ['my_own_holdout_df/seed_0', 'bin_con_holdout_df/seed_0', 'bin_ce_holdout_nt/seed_10']
    names += ['bin_ce_holdout_f2f/seed_0', 'bin_ce_holdout_nt/seed_2']
    for name in [*names, 'bin_ce_holdout_df/other', 'unrelated/seed_0']:
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / 'bin_ce_holdout_df' / 'seed_7').touch()  # no folder
    found = find_cells(tmp_path)
    assert [cell.name for cell in found] == [names[i] for i in (3, 4, 2, 1, 0)]
    assert found[0] == Cell('bin_ce', 'f2f', 0)


def test_configs(tmp_path):
    for name in ('b_holdout_nt.py', 'a_holdout_my2.py', 'a_holdout_df.py', 'x.py'):
        (tmp_path / name).touch()
    found = find_configs(tmp_path)
    assert [cell.config for cell in found] == [
        'a_holdout_df.py',
        'a_holdout_my2.py',
        'b_holdout_nt.py',
    ]
