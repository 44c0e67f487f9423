"""Chat templates are programs from strangers: real ones work, hostile ones fail in words and within their limits."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freehold.engine.own_templates import OWN_TEMPLATES, own_template
from freehold.engine.template import ChatTemplate
from freehold.foundation.errors import TemplateFailed

NOW = datetime(2026, 11, 23, 9, 30)
TALK = [
    {"role": "user", "content": "Hello"},
    {"role": "assistant", "content": "Hi."},
    {"role": "user", "content": "Why?"},
]


def rendered(source: str, messages: list[dict[str, str]] = TALK) -> str:
    return ChatTemplate(source).render(messages, now=NOW, bos="<s>", eos="</s>")


REAL: dict[str, tuple[str, str]] = {
    "ChatML": (
        "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' "
        "+ '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
        "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\nHi.<|im_end|>\n<|im_start|>user\nWhy?<|im_end|>\n"
        "<|im_start|>assistant\n",
    ),
    "Mistral": (
        "{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
        "{{ raise_exception('roles must alternate') }}{% endif %}{% if message['role'] == 'user' %}{{ '[INST] ' + "
        "message['content'] + ' [/INST]' }}{% else %}{{ message['content'] + eos_token}}{% endif %}{% endfor %}",
        "<s>[INST] Hello [/INST]Hi.</s>[INST] Why? [/INST]",
    ),
    "a date and a namespace": (
        "{%- set date = strftime_now('%d %b %Y') if strftime_now is defined else 'x' -%}"
        "{%- set ns = namespace(count=0) -%}{%- for m in messages -%}{%- set ns.count = ns.count + 1 -%}{%- endfor -%}"
        "{{ date ~ ' ' ~ ns.count }}",
        "23 Nov 2026 3",
    ),
    "slices, tests and loop controls": (
        "{%- for m in messages[::-1] -%}{%- if m.role == 'assistant' -%}{%- continue -%}{%- endif -%}"
        "{{ m.content | trim | upper }}{%- break -%}{%- endfor -%}{% if tools is not none %}tools{% endif %}",
        "WHY?",
    ),
    "the generation mark": (
        "{% for m in messages %}{% generation %}{{ m.content }}|{% endgeneration %}{% endfor %}",
        "Hello|Hi.|Why?|",
    ),
    "JSON": ("{{ messages[0] | tojson }}{{ {'a': 'ä'} | tojson(indent=1) }}",
             '{"role": "user", "content": "Hello"}{\n "a": "ä"\n}'),
    "string methods": (
        "{{ messages[0]['content'].split('l')[0].strip() + messages[1].content.replace('.', '!') }}"
        "{{ messages | selectattr('role', 'equalto', 'user') | map(attribute='content') | join(',') }}",
        "HeHi!Hello,Why?",
    ),
    "a macro": ("{% macro say(m) %}[{{ m.content }}]{% endmacro %}{{ say(messages[0]) }}", "[Hello]"),
    "an indent": ("{{ 'a\nb' | indent(2, first=true) }}", "  a\n  b"),
}  # fmt: skip


@pytest.mark.parametrize("name", REAL)
def test_what_real_templates_use_works(name):
    source, expected = REAL[name]
    assert rendered(source) == expected


# What template injection corpora try, and more: each must fail in words, or say nothing of the world outside.
ESCAPES = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ messages.__class__.__base__.__subclasses__() }}",
    "{{ ''|attr('__class__') }}",
    "{{ ''['__class__'] }}",
    "{{ [].__class__.__base__ }}",
    "{{ self.__init__.__globals__.__builtins__ }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ joiner.__init__.__globals__.os.popen('id').read() }}",
    "{{ lipsum.__globals__['os'].popen('id').read() }}",
    "{{ namespace.__init__.__globals__.os.popen('id').read() }}",
    "{{ raise_exception.__globals__ }}",
    "{{ strftime_now.__globals__ }}",
    "{{ strftime_now.__closure__ }}",
    "{{ raise_exception.__code__.co_consts }}",
    "{{ messages.append.__self__ }}",
    "{{ config }}{{ request.application.__globals__ }}",
    "{{ get_flashed_messages.__globals__ }}",
    "{% for c in [].__class__.__base__.__subclasses__() %}{{ c }}{% endfor %}",
    "{{ ().__class__.__bases__[0].__subclasses__()[40]('/etc/passwd').read() }}",
    "{% import 'os' as os %}{{ os.popen('id') }}",
    "{% include '/etc/passwd' %}",
    "{% extends '/etc/passwd' %}",
    "{% from 'x' import y %}",
    "{{ '%s' | format(''.__class__) }}",
    "{{ '{0.__class__}'.format(messages) }}",
    "{{ '{0.__class__}'.format_map({'0': 1}) }}",
    "{{ messages.append({'role': 'user', 'content': 'x'}) }}",
    "{{ messages.clear() }}",
    "{{ messages[0].update({'content': 'x'}) }}",
    "{{ messages.pop() }}",
    "{{ (1).__class__ }}{{ {}.__class__ }}{{ true.__class__ }}",
    "{{ ''.join.__self__.__class__ }}",
    "{{ dict.mro() }}",
    "{{ dict.__subclasses__() }}",
    "{{ range.__class__ }}",
    "{{ (messages | map(attribute='__class__') | list)[0].__mro__ }}",
    "{{ (messages | groupby('__class__'))[0].__class__ }}",
    "{% set x = messages | map('attr', '__class__') %}{{ x | list }}",
    "{{ caller.__globals__ }}",
    "{{ loop.__init__ }}",
    "{% macro m() %}{% endmacro %}{{ m.__init__.__globals__ }}",
    "{% macro m() %}{% endmacro %}{{ m._func.__globals__ }}",
    "{{ m.gi_frame.f_globals }}",
    "{{ (messages | map('upper')).gi_frame.f_globals }}",
]


@pytest.mark.parametrize("source", ESCAPES)
def test_nothing_outside_can_be_reached(source):
    talk = [dict(message) for message in TALK]
    try:
        said = rendered(source, talk)
    except TemplateFailed as failure:
        assert failure.detail
    else:
        assert not any(word in said for word in ("class", "root:", "module", "function", "uid=", "<built"))
    assert talk == TALK


BOMBS = {
    "nested loops": "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "a loop that is never left": "{% set ns = namespace(n=0) %}{% for a in range(99999) %}{% for b in range(99999) %}"
    "{% set ns.n = ns.n + 1 %}{% endfor %}{% endfor %}",
    "recursion": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "a string times a billion": "{{ 'x' * 10000000000 }}",
    "a billion times a string": "{{ 10000000000 * 'x' }}",
    "a list times a billion": "{{ [1] * 1000000000 }}",
    "a tower of powers": "{{ 9 ** (9 ** (9 ** 9)) }}",
    "a long product": "{% set ns = namespace(n=7) %}{% for i in range(64) %}{% set ns.n = ns.n * ns.n %}{% endfor %}",
    "doubling with +": "{% set ns = namespace(x='ab') %}{% for i in range(64) %}"
    "{% set ns.x = ns.x + ns.x %}{% endfor %}",
    "doubling with ~": "{% set ns = namespace(x='ab') %}{% for i in range(64) %}"
    "{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
    "doubling a list": "{% set ns = namespace(x=[1]) %}{% for i in range(64) %}"
    "{% set ns.x = ns.x + ns.x %}{% endfor %}",
    "squaring with replace": "{% set ns = namespace(x='ab') %}{% for i in range(64) %}"
    "{% set ns.x = ns.x.replace('', ns.x) %}{% endfor %}",
    "a wide %": "{{ '%1000000000d' % 3 }}",
    "a starred %": "{{ '%*d' % (1000000000, 3) }}",
    "centre": "{{ 'x'.center(1000000000) }}",
    "the centre filter": "{{ 'x' | center(1000000000) }}",
    "padding": "{{ 'x'.ljust(1000000000) }}{{ 'x'.rjust(1000000000) }}{{ 'x'.zfill(1000000000) }}",
    "tabs": "{{ '\t'.expandtabs(1000000000) }}",
    "a wide format": "{{ '{:>1000000000}'.format(1) }}",
    "output without end": "{% for i in range(99999) %}{{ 'x' * 1000 }}{% endfor %}",
    "deep brackets": "{{" + "(" * 5000 + ")" * 5000 + "}}",
    "deep lists": "{{" + "[" * 5000 + "]" * 5000 + "}}",
    "a chain of filters": "{{ 'x'" + "|upper" * 9000 + " }}",
    "a wide date": "{{ strftime_now('%999999999Y') }}",
    "a long date": "{{ strftime_now('%Y' * 9000) }}",
    "too large": "x" * 65_537,
    "no end": "{% for m in messages %}",
    "no template": "{{ }",
    "an exception of its own": "{{ raise_exception('no') }}",
    "a division by zero": "{{ 1 // 0 }}",
    "a wrong type": "{{ 'x' + 1 }}",
    "what is not there": "{{ nothing.at.all }}",
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_fails_in_words(name):
    with pytest.raises(TemplateFailed) as failure:
        rendered(BOMBS[name])
    assert failure.value.detail
    assert len(failure.value.detail) <= 300


def test_after_a_bomb_the_process_has_its_memory_and_time_back():
    for _ in range(3):
        with pytest.raises(TemplateFailed):
            rendered(BOMBS["nested loops"])
    assert len(bytearray(400_000_000)) == 400_000_000
    assert rendered(REAL["ChatML"][0]) == REAL["ChatML"][1]


@settings(max_examples=150, deadline=None)
@given(source=st.text(alphabet=st.sampled_from("{}%#-'\"|.()[]~+*/ \nabmesgxforinifendsetx0129_="), max_size=60))
def test_any_text_at_all_is_rendered_or_fails_in_words(source):
    try:
        assert isinstance(rendered(source), str)
    except TemplateFailed as failure:
        assert failure.detail


def test_messages_longer_than_the_output_limit_are_still_rendered():
    long = "word " * 400_000
    assert long in rendered("{% for m in messages %}{{ m.content }}{% endfor %}", [{"role": "user", "content": long}])


@pytest.mark.parametrize("ours", OWN_TEMPLATES, ids=lambda ours: ours.name)
def test_our_own_templates_show_every_message_once_and_ask_for_an_answer(ours):
    said = rendered(ours.source)
    places = [said.index(message["content"]) for message in TALK]
    assert places == sorted(places)
    assert all(said.count(message["content"]) == 1 for message in TALK)
    assert len(said) > places[-1] + len("Why?")
    assert all(token in said for token in ours.needs)


def test_ours_is_chosen_by_the_tokens_that_the_model_knows():
    def chosen(*tokens: str) -> str:
        return own_template(lambda token: token in tokens).name

    assert chosen("<|im_start|>", "<|im_end|>") == "ChatML"
    assert chosen("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>") == "Llama 3"
    assert chosen("<start_of_turn>", "<end_of_turn>") == "Gemma"
    assert chosen("<|user|>", "<|assistant|>", "<|end|>") == "Phi"
    assert chosen("[INST]", "[/INST]") == "Mistral"
    assert chosen("<|im_start|>") == chosen() == "plain text"
