"""Which torch operators compute nothing: they make, move or look at tensors."""

MOVING = frozenset(
    """
    empty empty_like empty_strided new_empty new_empty_strided new_zeros new_ones new_full zeros zeros_like ones
    ones_like full full_like fill_ zero_ scalar_tensor view _unsafe_view _reshape_alias reshape as_strided detach
    alias t transpose permute expand slice select squeeze unsqueeze unbind split split_with_sizes chunk narrow
    flatten unfold movedim contiguous clone copy_ _to_copy to resize_ set_ lift lift_fresh lift_fresh_copy
    _local_scalar_dense item is_same_size sym_size sym_stride sym_numel _pin_memory record_stream
    """.split()  # noqa: SIM905  (a list of words reads better than a list of quoted words)
)
# Those whose result has no value that their arguments do not have, or a constant: a task of these alone is to move
# values. A candidate has to do it itself.
PLACING = MOVING | frozenset(
    """
    cat stack repeat repeat_interleave tile flip roll constant_pad_nd index_select gather index pixel_shuffle
    pixel_unshuffle channel_shuffle slice_scatter select_scatter slice_backward select_backward
    """.split()  # noqa: SIM905
)
