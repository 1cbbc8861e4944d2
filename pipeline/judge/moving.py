"""Which torch operators compute nothing, but make, move or look at tensors, and which choose by comparing."""

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
    reflection_pad1d reflection_pad2d reflection_pad3d replication_pad1d replication_pad2d replication_pad3d
    upsample_nearest1d upsample_nearest2d upsample_nearest3d _upsample_nearest_exact1d _upsample_nearest_exact2d
    _upsample_nearest_exact3d im2col diagonal diagonal_copy diag_embed tril triu embedding take
    """.split()  # noqa: SIM905
)
# Those that compare, and whose result for equal values, for zero or for what lies between two integers is determined:
# of the largest values the first has the index. That of sort, topk, kthvalue, median and mode is not.
CHOOSING = frozenset(
    """
    argmax argmin max min aminmax max_pool2d_with_indices max_pool3d_with_indices adaptive_max_pool2d
    adaptive_max_pool3d eq ne lt le gt ge equal any all sign sgn heaviside round floor ceil trunc fix nonzero
    count_nonzero bucketize searchsorted isin unique_dim _unique2 unique_consecutive threshold_backward
    logical_not logical_and logical_or logical_xor threshold hardshrink
    """.split()  # noqa: SIM905
)
# Those with a root of what may be a difference of large numbers: of one below zero there is none.
ROOTS = frozenset(
    """
    sqrt sqrt_ rsqrt rsqrt_ pow pow_ var var_mean std std_mean norm linalg_vector_norm cdist _cdist_forward
    _euclidean_dist native_layer_norm native_group_norm native_batch_norm _native_batch_norm_legit
    _native_batch_norm_legit_functional _batch_norm_with_update _fused_rms_norm
    """.split()  # noqa: SIM905
)
# Those where a gradient jumps: at zero, at a bound, or between equal values. torch says which one it has there.
CORNERS = frozenset(
    """
    relu relu_ leaky_relu leaky_relu_ prelu _prelu_kernel elu abs abs_ clamp clamp_ clamp_min clamp_max hardtanh
    hardtanh_ hardsigmoid softshrink maximum minimum fmax fmin amax amin max_pool1d norm linalg_vector_norm
    """.split()  # noqa: SIM905
)
# Those whose gradient at a bound, or between equal points, is another one in another version of torch.
UNSETTLED = frozenset({"hardswish", "hardswish_", "cdist", "_cdist_forward", "_euclidean_dist"})
# Of equal values any may come first, of those at one index any may be the last.
AMBIGUOUS = frozenset(
    """
    sort argsort topk kthvalue median nanmedian mode cummax cummin _cummax_helper _cummin_helper scatter scatter_
    index_put index_put_ _index_put_impl_ index_copy index_copy_
    """.split()  # noqa: SIM905
)
# Those that round nothing of numbers with few digits: sums and products.
ARITHMETIC = frozenset(
    """
    add add_ sub sub_ rsub mul mul_ neg_ square sum cumsum mm bmm addmm dot mv addcmul convolution
    """.split()  # noqa: SIM905
)
# Those that round nothing: what was equal stays equal, in whatever order an honest kernel computes.
EXACT = (
    (PLACING - {"_to_copy"})
    | CHOOSING
    | frozenset(
        """
        abs neg positive relu relu_ clamp clamp_min clamp_max hardtanh threshold maximum minimum fmax fmin amax amin
        where masked_fill masked_fill_ bitwise_and bitwise_or bitwise_not bitwise_xor arange triu tril
        """.split()  # noqa: SIM905
    )
)
