#!/usr/bin/env bash
# Does reinforcement learning with this judge teach anything? A student of 2.4 million parameters after SFT, after GRPO
# and after expert iteration, over three seeds; within an hour on two cores, without a GPU and without a key.
set -euo pipefail
cd "$(dirname "$0")/../.."
source recipes/environment.sh
install_project
stage() { .venv/bin/python -m pipeline.stage "$@"; }
recipes=recipes/cpu_proof
for seed in ${SEEDS:-17 18 19}; do
    out=runs/cpu_proof/$seed
    sft=$out/sft/train/student
    stage train $recipes/sft.yaml seed=$seed --out $out/sft
    stage train $recipes/grpo.yaml seed=$seed train.model.name=$sft --out $out/grpo
    stage iterate $recipes/expert_iteration.yaml seed=$seed train.model.name=$sft generate.teacher.model=$sft \
        --out $out/expert_iteration
    stage evaluate $recipes/evaluate.yaml seed=$seed evaluate.models.sft.model=$sft \
        evaluate.models.grpo.model=$out/grpo/train/student \
        evaluate.models.expert_iteration.model=$out/expert_iteration/round_2/train/student --out $out/evaluate
done
stage seeds runs/cpu_proof/*/evaluate --model sft --model grpo --model expert_iteration --out runs/cpu_proof/summary.json
