# The joint-embedding detector: CLIP's image encoder on single frames, three levels of prompts.
clip = 'openai/clip-vit-base-patch32'  # on the hub, 605 MB; a folder with its files does as well
model = dict(
    type='mmfake.DualStreamRecognizer',
    backbone=dict(
        type='mmfake.PerFrame', backbone=dict(type='mmfake.CLIPImageEncoder', pretrained=clip)
    ),
    binary=dict(
        cls_head=dict(
            type='mmfake.PromptHead',
            text=dict(type='mmfake.CLIPTextEncoder', pretrained=clip),
            prompts=dict(type='mmfake.PairedPrompts', scale=1.0),  # Eq. 1 has no temperature
            loss_cls=dict(type='mmfake.FidelityLoss'),  # Eq. 3 to 5
            train_text=True,
            average_clips='prob',  # a video has the mean probability of its frames
        ),
    ),
    data_preprocessor=dict(
        type='mmfake.PinnedDataPreprocessor',
        # CLIP's own normalisation, here on 0..255
        mean=[122.771, 116.746, 104.094],
        std=[68.501, 66.632, 70.323],
        format_shape='NCTHW',
    ),
    train_cfg=None,
    # 8 videos of 32 frames at once are 256 frames: in parts, so that their memory is bounded
    test_cfg=dict(max_testing_views=64),
)
custom_hooks = [
    dict(
        type='mmfake.DynamicWeightAverageHook',  # Eq. 6 and 7
        losses=['binary.loss_binary', 'binary.loss_global', 'binary.loss_local'],
        # Neither is in the paper: both are those of the works whose formula it takes.
        temperature=2.0,
        by='epoch',
    ),
]
