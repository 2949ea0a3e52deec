#!/bin/bash
# MixDiff as a Slurm array, one GPU a task:  sbatch --array=1-16 mixdiff.slurm.sh JOBS OUTPUT
# Each task makes every 16th picture. One that was killed, or requeued, makes what is missing; so
# does giving the same command again. After it:  python -m engine sheet OUTPUT -o sheet.png
#SBATCH --job-name=mixdiff
#SBATCH --gres=gpu:1
#SBATCH --cpus-per-task=4
#SBATCH --mem=32G
#SBATCH --requeue
#SBATCH --output=mixdiff-%A-%a.log
set -euo pipefail
exec python -m engine batch "$1" --output "$2" --json \
  --part "$((SLURM_ARRAY_TASK_ID - SLURM_ARRAY_TASK_MIN + 1))/$SLURM_ARRAY_TASK_COUNT"
