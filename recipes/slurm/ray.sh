# Sourced by the batch files beside it: a Ray cluster over nodes of a SLURM job, for the length of one command.
#   on_ray NODES COMMAND...    NODES: names separated by blanks; the command runs on the first, with executor.kind=ray
# What is around it must hold on every node: the same folder, and an environment with the project and its extra ray
# (activate it before sbatch, which hands it on).

job_port() {                        # two jobs may share a node; an argument gives another one
    echo $((20000 + SLURM_JOB_ID % 20000 + ${1:-0}))
}

secret() {
    od -An -N24 -tx1 /dev/urandom | tr -d ' \n'
}

on_ray() {
    local nodes=($1) address
    shift
    # An address and not a name: a node may resolve its own name to a loopback address.
    address="$(srun --overlap --nodes=1 --ntasks=1 --nodelist="${nodes[0]}" hostname -I | cut -d ' ' -f 1)"
    export RAY_AUTH_MODE=token RAY_AUTH_TOKEN
    RAY_AUTH_TOKEN="$(secret)"      # whoever reaches a cluster without one can run code in it
    srun --overlap --nodes="${#nodes[@]}" --ntasks-per-node=1 --nodelist="$(IFS=,; echo "${nodes[*]}")" \
        ray symmetric-run --address "$address:$(job_port)" --min-nodes "${#nodes[@]}" \
        --num-cpus "$SLURM_CPUS_ON_NODE" --num-gpus "${SLURM_GPUS_ON_NODE:-0}" --disable-usage-stats \
        -- "$@" executor.kind=ray
}
