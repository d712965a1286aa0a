default_scope = 'mmaction'
custom_imports = dict(imports=['mmfake.register'], allow_failed_imports=False)

default_hooks = dict(
    runtime_info=dict(type='RuntimeInfoHook'),
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=10, ignore_last=False),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(
        type='mmfake.SafeCheckpointHook',
        interval=1,
        max_keep_ckpts=3,
        # the AUC of the validation videos: originals and the manipulations seen in training
        save_best='deepfake/auc',
        rule='greater',
        # at the end of training the best and the last checkpoint are also saved without optimizer,
        # EMA and queue, as NAME-<hash>.pth
        published_keys=['meta', 'state_dict'],
    ),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    sync_buffers=dict(type='SyncBuffersHook'),
    protocol=dict(type='mmfake.ProtocolHook'),
    clip_shape=dict(type='mmfake.ClipShapeHook'),
    preprocessing=dict(type='mmfake.PreprocessingHook'),
    validation_threshold=dict(type='mmfake.ValidationThresholdHook'),
    # s that a loader waits for its next batch before a decoder that hangs ends the run. A batch of
    # 32 clips takes one core 2 s, and 20 s where storage is slow: 600 is 30 times that.
    unreadable_videos=dict(type='mmfake.UnreadableVideosHook', loader_timeout=600),
    seeded_iteration=dict(type='mmfake.SeededIterationHook'),
    # warns where more of an epoch's time than this share goes into waiting for videos
    loader_wait=dict(type='mmfake.LoaderWaitHook', most=0.2),
    # what a GPU may gain by, once measured: tf32=True, compile=True
    accelerator=dict(type='mmfake.AcceleratorHook', tf32=None, compile=False),
    # ten in a row are no accident
    non_finite_loss=dict(type='mmfake.NonFiniteLossHook', max_in_a_row=10),
)

env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    # Gloo is taken where there is no GPU. Processes wait for one that waits loader_timeout for a
    # batch of videos that hang, or that writes metrics and checkpoints: 6 times that, in s.
    dist_cfg=dict(backend='nccl', timeout=3600),
)

log_processor = dict(
    type='mmfake.BriefLogProcessor',
    window_size=10,
    by_epoch=True,
    # means over the window, all else of the last iteration; raw and weight are those of a loss
    # under DynamicWeightAverageHook
    mean_pattern=r'loss|time|grad_norm|\b(raw|weight)_',
)
vis_backends = [dict(type='LocalVisBackend')]
visualizer = dict(type='ActionVisualizer', vis_backends=vis_backends)

log_level = 'INFO'
load_from = None
resume = False
