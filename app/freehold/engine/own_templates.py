"""Freehold's own chat templates, for models that bring none or a broken one: the best-known forms, by their tokens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OwnTemplate:
    """Usable where the vocabulary has all of `needs` as tokens of their own."""

    name: str
    needs: tuple[str, ...]
    source: str


_CHATML = """{%- for message in messages -%}
{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}
{%- endfor -%}
{{ '<|im_start|>assistant\\n' }}"""

_LLAMA3 = """{{- bos_token -}}
{%- for message in messages -%}
{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' + message['content'] + '<|eot_id|>' }}
{%- endfor -%}
{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}"""

_GEMMA = """{{- bos_token -}}
{%- for message in messages -%}
{%- if message['role'] == 'system' -%}{{ raise_exception('no system role') }}{%- endif -%}
{%- set role = 'model' if message['role'] == 'assistant' else 'user' -%}
{{ '<start_of_turn>' + role + '\\n' + message['content'] + '<end_of_turn>\\n' }}
{%- endfor -%}
{{ '<start_of_turn>model\\n' }}"""

_PHI3 = """{%- for message in messages -%}
{{ '<|' + message['role'] + '|>\\n' + message['content'] + '<|end|>\\n' }}
{%- endfor -%}
{{ '<|assistant|>\\n' }}"""

_MISTRAL = """{{- bos_token -}}
{%- for message in messages -%}
{%- if message['role'] == 'system' -%}{{ raise_exception('no system role') }}{%- endif -%}
{%- if message['role'] == 'user' -%}{{ '[INST]' + message['content'] + '[/INST]' }}
{%- else -%}{{ message['content'] + eos_token }}{%- endif -%}
{%- endfor -%}"""

_PLAIN = """{{- bos_token -}}
{%- for message in messages -%}
{%- set names = {'system': 'Instructions', 'user': 'Question', 'assistant': 'Answer'} -%}
{{ names[message['role']] + ': ' + message['content'] + '\\n\\n' }}
{%- endfor -%}
{{ 'Answer:' }}"""

OWN_TEMPLATES: tuple[OwnTemplate, ...] = (
    OwnTemplate("ChatML", ("<|im_start|>", "<|im_end|>"), _CHATML),
    OwnTemplate("Llama 3", ("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"), _LLAMA3),
    OwnTemplate("Gemma", ("<start_of_turn>", "<end_of_turn>"), _GEMMA),
    OwnTemplate("Phi", ("<|user|>", "<|assistant|>", "<|end|>"), _PHI3),
    OwnTemplate("Mistral", ("[INST]", "[/INST]"), _MISTRAL),
    OwnTemplate("plain text", (), _PLAIN),
)


def own_template(has_token: Callable[[str], bool]) -> OwnTemplate:
    """The first of ours whose special tokens the model knows; plain text where it knows none."""
    return next(one for one in OWN_TEMPLATES if all(has_token(token) for token in one.needs))
