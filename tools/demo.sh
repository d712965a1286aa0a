#!/usr/bin/env bash
# The whole path on a machine with nothing but Python >= 3.8: set-up, a rendered dataset, training of
# "Binary CE + Multi CE" with Face2Face held out, the test on Face2Face, scores, a figure and a report.
# Run again, it goes on where it stopped; to start over: rm -r work_dirs/demo. OUT=DIR puts it elsewhere.
set -euo pipefail
source "$(dirname "$0")/setup_env.sh"

config=configs/mtl/bin_multi_ce_holdout_f2f.py
out=${OUT:-work_dirs/demo}
# half of the cores compute, the others read videos; more threads than cores would only wait
cores=$(python -c 'import os; print(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count())')
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$(( cores > 3 ? cores / 2 : 1 ))}
# bfloat16 takes 0.6 times as long where the processor has it (a GPU does without)
amp=$(python -c 'from mmfake.engine.machine import has_bfloat16, has_gpu; print("--amp bfloat16" if has_bfloat16() and not has_gpu() else "")')
step() { echo; echo "== $*"; }

step "1/5 Rendering the mini dataset (data/mini_ffpp)"
python data_prep/make_mini_ffpp.py --out data/mini_ffpp

step "2/5 Training on Deepfakes, FaceSwap, NeuralTextures and originals ($out)"
python tools/train.py "$config" --scale mini --work-dir "$out" --resume $amp

step "3/5 Training curves"
python tools/plot_training.py "$out"

step "4/5 Testing on originals and Face2Face, which training has never seen"
# without the published copies of it, whose names end in a hash
best=$(find "$out" -maxdepth 1 -name 'best_deepfake_auc_epoch_*.pth' ! -name '*-????????.pth')
[ -n "$best" ] || { echo "error: no best checkpoint in $out; remove the folder and start again" >&2; exit 2; }
python tools/test.py "$config" "$best" --scale mini --work-dir "$out"

step "5/5 A report of two test videos, one original and one Face2Face"
python tools/detect.py data/mini_ffpp/original_sequences/youtube/c23/videos/011.mp4 \
    data/mini_ffpp/manipulated_sequences/Face2Face/c23/videos/011_068.mp4 \
    --config "$config" --checkpoint "$best" --scale mini --no-face --out "$out/report"

echo
echo "Done: results above, scores in $out/scores.csv, curves in $out/training_curves.png."
echo "Open $out/report/report.html in a browser: two videos judged, and what drove the scores."
echo "These are results on rendered faces; they say nothing about real videos."
echo
echo "To go on, in this shell: source .venv/bin/activate"
echo "Then README.md: \"Quick start on FaceForensics++\", and \"Your own video\"."
