"""CLIP tokens: the tokenizer of a pre-trained folder, or the shipped ids of the default prompts."""

from __future__ import annotations

import os.path as osp
import re
from typing import Dict, List, Optional, Sequence, Tuple

from ...compat.host import import_transformers
from ...errors import MMFakeError, first_line

BEGIN, END = 49406, 49407  # <|startoftext|>, <|endoftext|>

# CLIP's byte-pair encoding (49,408 tokens, openai/CLIP bpe_simple_vocab_16e6) never joins words, so
# the ids of a text are those of its words: these are the words of the default prompts and of near
# relatives. They were compared with the vocabulary.
_WORDS: Dict[str, Tuple[int, ...]] = dict(
    a=(320,),
    photo=(1125,),
    of=(539,),
    face=(1710,),
    real=(1532,),
    fake=(5777,),
    the=(518,),
    attribute=(527, 5493),
    altered=(25201,),
    unaltered=(569, 25201),
    expression=(11357,),
    identity=(8892,),
    physical=(6671,),
    consistency=(25683,),
    inconsistency=(512, 25683),
    eye=(3272,),
    eyebrow=(34250,),
    illumination=(43680,),
    mouth=(4932,),
    nose=(8231,),
    lip=(8546,),
    skin=(3575,),
    are=(631,),
    **{'with': (593,), 'global': (2779,), 'local': (2029,), 'and': (537,), 'is': (533,)},
)
_VOCABULARY = ('tokenizer.json', 'vocab.json')  # one of them is in a folder with a tokenizer


def tokenize(prompts: Sequence[str], pretrained: Optional[str] = None) -> List[List[int]]:
    """Token ids of texts, each from its begin to its end token.

    Args:
        prompts (Sequence[str]): The texts.
        pretrained (str, optional): Folder with a tokenizer, whose own is taken. Defaults to None:
            CLIP's vocabulary, as far as its words are shipped here.

    Raises:
        MMFakeError: If a word is not shipped and no folder has a tokenizer, or that is damaged.
    """
    if pretrained is not None and any(osp.isfile(osp.join(pretrained, f)) for f in _VOCABULARY):
        return _by_folder(prompts, pretrained)
    rows = []
    for prompt in prompts:
        words = re.findall(r'\w+|[^\w\s]', prompt.lower())
        unknown = [word for word in words if word not in _WORDS]
        if unknown:
            raise MMFakeError(
                f'the prompt {prompt!r} needs a vocabulary, as {unknown[0]!r} is not among the '
                f'{len(_WORDS)} words that mmfake knows; set pretrained of the text encoder to a '
                'folder with tokenizer.json or vocab.json and merges.txt'
                + (f', which {pretrained} is not.' if pretrained else '.')
            )
        rows.append([BEGIN, *(token for word in words for token in _WORDS[word]), END])
    return rows


def _by_folder(prompts: Sequence[str], folder: str) -> List[List[int]]:
    transformers = import_transformers()
    try:
        tokenizer = transformers.CLIPTokenizerFast.from_pretrained(folder, local_files_only=True)
        return [tokenizer(prompt)['input_ids'] for prompt in prompts]
    except Exception as error:  # whatever a damaged vocabulary makes the library raise
        raise MMFakeError(
            f'{folder}: its tokenizer cannot be read ({type(error).__name__}: '
            f'{first_line(error)}); get tokenizer.json, vocab.json and merges.txt again.'
        ) from None
