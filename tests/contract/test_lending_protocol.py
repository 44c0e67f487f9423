"""docs/peers.md, spoken with a real gateway process over real TLS; with the starter model where tokens matter."""

from __future__ import annotations

import base64
import hashlib
import json
import ssl
import threading
import time
from pathlib import Path

import httpx2
import pytest

from freehold.engine.local import LocalEngine
from freehold.engine.values import Message, Sampling, Written
from freehold.foundation.canonical import canonical
from freehold.foundation.errors import PairingRefused
from freehold.foundation.paths import Profile
from freehold.foundation.stop import Stop
from freehold.identity.certificates import fingerprint
from freehold.identity.pairing import Guest, Introduction
from freehold.identity.sealing import unseal
from freehold.identity.signatures import verify_content
from freehold.market.lending.journal import INFO, lines_of, waiting
from freehold.market.lending.values import Limits
from freehold.market.values import Offer, Receipt, rolled
from support.engines import starter_model
from support.lending import REAL, Client, House, person, shared
from support.lent_engine import DIES, READS_LONG, SLOW, token
from support.workers import is_alive, wait_until

QUESTION = [Message("user", "Write a long story about a lighthouse and its keeper.")]
SAMPLING = {"temperature": 0.8, "top_p": 0.95, "top_k": 40, "seed": 7, "max_tokens": 160}


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    with shared(tmp_path_factory.mktemp("real"), engine=REAL) as house:
        yield house


@pytest.fixture(scope="module")
def fake(tmp_path_factory):
    """For tests that leave it as they found it."""
    with shared(tmp_path_factory.mktemp("fake")) as house:
        yield house


@pytest.fixture
def own(tmp_path):
    with shared(tmp_path) as house:
        yield house


@pytest.fixture(scope="module")
def direct(tmp_path_factory):
    """The prompt of a question, and what the engine here answers to it, asked without any gateway."""
    profile = Profile(tmp_path_factory.mktemp("direct"))
    profile.prepare()
    engine = LocalEngine(profile)
    try:
        for _ in engine.prepare(starter_model(), context=4096, gpu_layers=0, threads=2):
            pass
        prompt = engine.read(QUESTION).ids
        steps = engine.generate(prompt, Sampling(**SAMPLING), Stop())
        answer = [one for step in steps if isinstance(step, Written) for one in step.ids]
    finally:
        engine.unload()
    return list(prompt), answer


def receipt_of(fields: dict, house: House) -> Receipt:
    """A receipt whose signature holds."""
    receipt = Receipt.from_wire(fields)
    key = house.host.certificate.node_key
    verify_content(node_key=key, content=receipt.signed_bytes(), signature=receipt.signature)
    assert (receipt.provider, receipt.manifest) == (house.host.address, house.manifest)
    return receipt


def test_an_offer_says_what_answers_and_what_to_seal_to(real):
    (wire,) = real.client().ask("GET", "/v1/offers").fields["offers"]
    offer = Offer.from_wire(wire)
    assert (offer.manifest, offer.hpke_key) == (real.manifest, real.host.certificate.hpke_key)
    assert (offer.slots, offer.free, offer.waiting) == (1, 1, 0)


def test_the_vocabulary_is_handed_out_as_promised(real):
    answer = real.client().ask("GET", f"/v1/vocabularies/{real.manifest.vocabulary_sha256}")
    assert hashlib.sha256(answer.fields).hexdigest() == real.manifest.vocabulary_sha256
    assert real.client().ask("GET", f"/v1/vocabularies/{'0' * 64}").code == "not-found"


def test_an_answer_is_the_one_that_the_engine_gives_when_asked_directly(real, direct):
    prompt, answer = direct
    job = real.client().job(prompt, **SAMPLING)
    job.read()
    assert job.ids == answer
    assert job.end is not None
    end = receipt_of(job.end["receipt"], real)
    assert (end.tokens_in, end.tokens_out, end.ending) == (len(prompt), len(answer), job.end["ending"])
    assert (end.opening, end.transcript) == (job.opening, rolled(job.opening, answer))
    assert receipt_of(job.close().fields["receipt"], real) == end


def test_a_job_without_a_lease_stops_computing_and_goes_on_as_the_same_answer(real, direct):
    prompt, answer = direct
    job = real.client().job(prompt, **SAMPLING)
    job.read(lambda said: said["kind"] == "starved", leases=False)
    assert job.ids == answer[:128]
    assert job.events[-1] == {"kind": "starved", "granted": 128}
    wait_until(lambda: real.status()["jobs"][0]["state"] == "starved")
    granted = job.lease(100)
    assert granted.fields["granted"] == 192
    lease = receipt_of(granted.fields["receipt"], real)
    assert (lease.tokens_out, lease.ending, lease.transcript) == (100, "", rolled(job.opening, answer[:100]))
    job.read()
    assert job.ids == answer
    job.close()


def test_an_answer_begun_elsewhere_goes_on_as_the_same_answer(real, direct):
    prompt, answer = direct
    job = real.client().job([*prompt, *answer[:50]], **{**SAMPLING, "max_tokens": 110}, replay=50)
    job.read()
    assert job.ids == answer[50:]
    job.close()


def test_a_broken_connection_loses_nothing(fake):
    job = fake.client().job([9, SLOW], max_tokens=60)
    while job.end is None:
        job.read(lambda said: said["kind"] == "tokens")  # hangs up after each event
    assert job.ids == [token(place) for place in range(60)]
    assert job.end["ending"] == "length"


def test_events_that_were_read_are_sealed_as_the_same_bytes_when_read_again(fake):
    client = fake.client()
    job = client.job([9], max_tokens=20)
    job.read()
    path = f"/v1/jobs/{job.id}/stream"
    once, again = (client.http.get(client.at + path, headers=client.signed("GET", path)).content for _ in range(2))
    assert once == again
    assert once.count(b"data: ") == len(job.events)


def test_opening_twice_with_the_same_bytes_is_one_job_and_with_others_refused(fake):
    client = fake.client()
    job = client.job([9, SLOW], max_tokens=20)
    again = job.open(quote="whatever")
    assert (again.status, again.fields["job"], again.fields["opening"]) == (200, job.id, job.opening)
    assert [one["job"] for one in fake.status()["jobs"]] == [job.id]
    job.sealed = client.sealed(job.id, {**job.plain, "replay": 1})
    assert job.open().code == "job-different"
    job.read()
    job.close()
    assert job.open().code == "job-different"


def test_a_job_that_was_closed_is_closed_once_more_with_the_same_receipt(fake):
    job = fake.client().job([9], max_tokens=20)
    job.read()
    first, second = job.close(), job.close()
    assert (first.status, first.fields) == (200, second.fields)
    assert job.lease().code == "job-unknown"


def test_closing_early_stops_the_engine_and_counts_what_was_taken_over(fake):
    job = fake.client().job([9, SLOW], max_tokens=1000)
    job.read(lambda said: len(job.ids) >= 5)
    receipt = receipt_of(job.close().fields["receipt"], fake)
    assert (receipt.ending, receipt.tokens_out) == ("stopped", len(job.ids))
    quick = fake.client(2).job([9], max_tokens=3)
    quick.read()
    assert quick.ids == [1, 2, 3]


def test_who_comes_second_hears_how_many_are_before_it(fake):
    first, second = fake.client(1).job([9, SLOW], max_tokens=40), fake.client(2).job([9], max_tokens=5)
    reading = threading.Thread(target=first.read)
    reading.start()
    second.read()
    reading.join()
    assert {"kind": "waiting", "ahead": 1} in second.events
    assert (first.ids, second.ids) == ([token(place) for place in range(40)], [1, 2, 3, 4, 5])


def test_reading_is_told_every_second_and_silence_never_lasts_longer(fake):
    job = fake.client().job([9] * 40 + [READS_LONG], max_tokens=3)
    job.read()
    assert sum(said["kind"] == "reading" for said in job.events) >= 3


def test_a_client_that_goes_stops_the_engine_after_a_grace(tmp_path):
    with shared(tmp_path, limits=Limits(alone=0.5)) as house:
        job = house.client().job([9, SLOW], max_tokens=1000)
        job.read(lambda said: len(job.ids) >= 3)
        wait_until(lambda: house.status()["jobs"] == [])
        (ended,) = [one for one in house.link.call("gateway.news", since=0) if one["kind"] == "job"]
        assert ended["ending"] == "stopped"
        job.read()
        assert job.end is not None
        assert job.end["ending"] == "stopped"


def test_a_job_starved_for_too_long_ends_so(tmp_path):
    with shared(tmp_path, limits=Limits(starving=0.5)) as house:
        job = house.client().job([9], max_tokens=1000)
        job.read(leases=False)
        assert job.end is not None
        assert (job.end["ending"], len(job.ids)) == ("starved", 128)
        assert receipt_of(job.end["receipt"], house).tokens_out == 128


def test_an_engine_that_dies_ends_its_jobs_as_broken_and_the_gateway_leaves(own):
    pid, client = own.link.pid, own.client(2)
    job = own.client(1).job([9, DIES], max_tokens=100)
    waits = client.job([9], max_tokens=100)
    reading = threading.Thread(target=waits.read)
    reading.start()
    job.read()
    reading.join()
    for one in (job, waits):
        assert one.end is not None
        assert one.end["ending"] == "broken"
    assert job.ids == [token(place) for place in range(len(job.ids))]
    assert receipt_of(job.end["receipt"], own).tokens_out == len(job.ids) <= 10
    wait_until(lambda: not is_alive(pid))


def test_a_gateway_whose_app_goes_ends_its_jobs_as_broken(own):
    job = own.client().job([9, SLOW], max_tokens=1000)
    job.read(lambda said: len(job.ids) >= 3)
    ending = threading.Timer(0.3, own.link.end)
    ending.start()
    job.read()
    ending.join()
    assert job.end is not None
    assert job.end["ending"] == "broken"


def test_a_device_that_is_forgotten_is_shut_out_at_once_and_its_jobs_end(own):
    client, other = own.client(1), own.client(2)
    job = client.job([9, SLOW], max_tokens=1000)
    forgetting = threading.Timer(0.3, lambda: own.link.call("gateway.forget", address=client.who.address.lower()))
    forgetting.start()
    job.read()
    forgetting.join()
    assert job.end is not None
    assert job.end["ending"] == "broken"
    assert client.ask("GET", "/v1/offers").code == "not-paired"
    assert other.ask("GET", "/v1/offers").status == 200
    own.link.call("gateway.allow", address=client.who.address)
    assert client.ask("GET", "/v1/offers").status == 200


def test_a_device_that_unpairs_is_forgotten_and_the_app_hears_of_it(own):
    client = own.client()
    assert client.ask("POST", "/v1/unpair", {}).status == 200
    assert client.ask("GET", "/v1/offers").code == "not-paired"
    assert [one["address"] for one in own.link.call("gateway.news", since=0)] == [client.who.address.lower()]


def test_the_owner_alone_reads_who_was_answered_when_and_with_how_many_tokens(own):
    job = own.client().job([9], max_tokens=7)
    job.read()
    job.close()
    own.link.call("gateway.aside")
    (path,) = waiting(own.folder, all_of_it=False)
    (sealed,) = lines_of(path)
    line = json.loads(unseal(own.host.hpke, bytes.fromhex(sealed), INFO))
    assert (line["job"], line["client"]) == (job.id, job.client.who.address.lower())
    assert (line["tokens_in"], line["tokens_out"], line["ending"], line["model"]) == (1, 7, "length", "a model")
    assert set(line) == {"job", "client", "model", "tokens_in", "tokens_out", "ending", "opened", "closed"}
    assert sorted(path.name for path in own.folder.iterdir()) == sorted([path.name, "vocabulary.gguf"])


def test_speeds_are_the_medians_of_what_was_answered(fake):
    job = fake.client().job([9], max_tokens=100)
    job.read()
    (offer,) = fake.client().ask("GET", "/v1/offers").fields["offers"]
    assert offer["tokens_per_s"] > 0


def guest_of(house: House, code: str, number: int = 5) -> tuple[Guest, Client]:
    newcomer = person(number, "phone")
    house.guests[number] = newcomer
    introduction = Introduction("phone", newcomer.certificate.to_wire(), newcomer.tls.certificate.decode())
    met = ssl.get_server_certificate(("127.0.0.1", house.port))
    return Guest(code, fingerprint(met.encode()), introduction), house.client(number)


def pair(client: Client, fields: dict) -> httpx2.Response:
    return client.http.post(f"{client.at}/v1/pair", content=canonical(fields))


def test_a_device_that_types_the_code_is_paired_and_both_show_the_same_words(own):
    code = own.link.call("gateway.code")["code"]
    guest, client = guest_of(own, code)
    assert client.ask("GET", "/v1/offers").code == "not-paired"
    begun = pair(client, guest.begin()).json()
    host = guest.finish(pair(client, guest.confirm(begun)).json())
    assert (host.name, host.certificate) == ("lender", own.host.certificate.to_wire())
    (news,) = own.link.call("gateway.news", since=0)
    assert (news["kind"], news["name"], news["address"]) == ("paired", "phone", client.who.address.lower())
    assert news["words"] == list(guest.words)
    assert len(news["words"]) == 4
    assert client.ask("GET", "/v1/offers").status == 200
    assert pair(client, guest.begin()).json()["error"]["code"] == "pairing-off"


def test_a_wrong_code_pairs_nobody_and_five_of_them_end_it(own):
    code = own.link.call("gateway.code")["code"]
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    for _ in range(5):
        guest, client = guest_of(own, wrong)
        begun = pair(client, guest.begin()).json()
        assert pair(client, guest.confirm(begun)).json()["error"]["code"] == "pairing-wrong"
    guest, client = guest_of(own, code)
    assert pair(client, guest.begin()).json()["error"]["code"] == "pairing-wrong"
    assert own.link.call("gateway.news", since=0) == []
    assert own.status()["code_seconds"] == 0
    with pytest.raises(PairingRefused):
        guest.finish({})


def test_without_a_code_nobody_is_paired(own):
    guest, client = guest_of(own, "123456")
    assert pair(client, guest.begin()).json()["error"]["code"] == "pairing-off"
    own.link.call("gateway.code")
    own.link.call("gateway.withdraw")
    assert pair(client, guest.begin()).json()["error"]["code"] == "pairing-off"


def test_a_newer_certificate_is_shown_once_it_is_known(own):
    newer = person(99, "renamed", now=time.time() - 3600)
    own.link.call("gateway.renew", certificate=newer.certificate.to_wire())
    job = own.client().job([9], max_tokens=3)
    job.read()
    assert job.end is not None
    assert job.end["receipt"]["provider_certificate"] == newer.certificate.to_wire()


def test_the_gateway_starts_nothing_and_reads_nothing_but_its_own_folder(fake):
    assert fake.link.pid is not None
    status = Path(f"/proc/{fake.link.pid}/status").read_text()
    assert "NoNewPrivs:\t1" in status
    assert "Seccomp:\t2" in status


def test_sealed_is_base64_of_what_only_the_gateway_opens(fake):
    job = fake.client().job([9], max_tokens=3)
    plain = unseal(fake.host.hpke, base64.b64decode(job.sealed), f"freehold-job/1 {job.id}".encode())
    assert json.loads(plain) == job.plain
