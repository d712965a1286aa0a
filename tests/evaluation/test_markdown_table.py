from mmfake.evaluation.tables import markdown_table


def test_aligned_and_escaped():
    text = markdown_table(
        ['name', 'n', 'value'], [['a|b', '1', '[bold]'], ['x' * 300, '20', ':+1:']]
    )
    head, rule, first, second = text.splitlines()
    assert len({len(line) for line in (head, rule, first, second)}) == 1
    assert head.startswith('| name ')
    rules = rule.strip('|').split('|')
    assert [part[-1] for part in rules] == ['-', ':', ':']  # numbers to the right in Markdown, too
    assert {char for part in rules for char in part[:-1]} == {'-'}
    assert '| a\\|b ' in first
    assert first.endswith('|  1 | [bold] |')  # numbers to the right, no markup
    assert second.endswith('| 20 |   :+1: |')  # neither an emoji nor a fold
