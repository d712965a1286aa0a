import torch
import torch.multiprocessing as mp

from mmfake.engine.hooks import label_moco_hook as hook
from mmfake.engine.hooks.label_moco_hook import gather_rows

host_gather = hook.all_gather


def test_one_process_returns_its_rows():
    rows = torch.rand(3, 2)
    assert gather_rows(rows)[0] is rows


def worker(rank, counts, folder):
    import torch.distributed as dist

    dist.init_process_group(
        'gloo', init_method=f'file://{folder}/store', rank=rank, world_size=len(counts)
    )
    rows = torch.full((counts[rank], 2), float(rank))
    labels = torch.arange(counts[rank]) + 10 * rank
    calls = []
    hook.all_gather = lambda data: calls.append(data) or host_gather(data)
    gathered = gather_rows(rows, labels)
    assert len(calls) == 3  # the count, and one for each
    torch.save(gathered, f'{folder}/{rank}.pt')
    # no destroy_process_group: torch 2.1 then waits, with the lock of the interpreter, for a thread
    # that may be waiting for this lock to free the gathered tensors; the process ends here anyway


def test_ranks_with_uneven_rows(tmp_path):
    counts = [3, 0]
    mp.start_processes(worker, (counts, str(tmp_path)), nprocs=2, start_method='fork')
    for rank in range(2):
        rows, labels = torch.load(tmp_path / f'{rank}.pt')
        assert rows.tolist() == [[0.0, 0.0]] * 3
        assert labels.tolist() == [0, 1, 2]
