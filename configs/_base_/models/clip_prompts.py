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

# What --scale mini is for this model, over configs/_base_/scales/mini.py: a tiny CLIP with random
# weights, on single frames of 64 px.
sizes = dict(
    hidden_size=64,
    intermediate_size=128,
    num_hidden_layers=3,
    num_attention_heads=4,
    projection_dim=32,
)
scales = dict(
    mini=dict(
        model=dict(
            backbone=dict(
                backbone=dict(pretrained=None, config=dict(sizes, image_size=64, patch_size=8)),
            ),
            binary=dict(
                cls_head=dict(
                    text=dict(pretrained=None, config=sizes),
                    # texts that differ in one word are all but equal to random weights: with a
                    # scale of 1 nothing is learnt in so few steps
                    prompts=dict(scale=10.0),
                )
            ),
        ),
        # (224 videos + 5 x 56 forgeries) x 4 frames
        train_dataloader=dict(batch_size=32, dataset=dict(times=4)),
        # random weights learn nothing at 1e-7
        optim_wrapper=dict(optimizer=dict(lr=1e-3), paramwise_cfg=None),
    ),
)
