"""The house put together: the only place that knows every room.

`prepare` is run once before anything is served (tables, policies, definitions, keys); `build` gives the ASGI application, once in each
server process.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from yilian import aftercare, beds, criteria, handover, jobs, policy, referral, terminology, validation
from yilian.access import consent, grounds, institutions, keys, sensitivity
from yilian.access.settings import AccessSettings
from yilian.access.tokens import Verifier
from yilian.audit import months
from yilian.audit.record import ReadLog, follow_writes
from yilian.audit.sealer import Sealer
from yilian.beds import days as bed_days
from yilian.beds import holds as bed_holds
from yilian.beds import kinds as bed_kinds
from yilian.config import Settings
from yilian.consortium import codes as consortium_codes
from yilian.consortium import ending
from yilian.consortium import warning as consortium
from yilian.criteria import answers as criteria_answers
from yilian.criteria import keeping as criteria_keeping
from yilian.criteria.cds import feedback as cds_feedback
from yilian.db import Database, Tx
from yilian.directory import codes as directory_codes
from yilian.directory import columns as directory
from yilian.directory import waits
from yilian.disk import Disk
from yilian.exchange.bulk import desk as bulk
from yilian.exchange.load import SideBySide
from yilian.exchange.subscriptions import desk as subscriptions
from yilian.exchange.subscriptions import known, outbox
from yilian.exchange.subscriptions.listeners import Listeners
from yilian.exchange.subscriptions.take_in import amend
from yilian.fhir.dates import use_region_zone
from yilian.http import oauth, outside, public_directory, static
from yilian.http.card_keys import ADDRESS as CARD_KEYS
from yilian.http.card_keys import CardKeys
from yilian.http.cds_hooks import CdsHooks
from yilian.http.fhir import FhirApi
from yilian.http.health import Health
from yilian.http.house import House
from yilian.http.limits import Limits
from yilian.http.live_events import ADDRESS as EVENTS
from yilian.http.live_events import LiveEvents
from yilian.http.metrics import Metrics
from yilian.http.operations.subscriptions import SOCKET
from yilian.http.subscription_socket import Sockets
from yilian.identity import card, card_keys, claims, matching, persons, worklist
from yilian.notifications import gateways, live_events, sending
from yilian.records import contents, scans, uploads
from yilian.referral import alarms, circumstances, conversation, deferred, following, reservation
from yilian.referral.outside import links
from yilian.scheduling import absences, bookings, days, dealing, making, pool_rules, slots, told, waiting_list
from yilian.store import custom_parameters, data_keys, reindex, resealing
from yilian.store.change import Change
from yilian.store.hooks import Hooks
from yilian.store.migrate import migrate
from yilian.store.scope import SYSTEM
from yilian.store.write import write
from yilian.terminology import shipped
from yilian.validation import definitions, profiles


async def _refresh(tx: Tx) -> int:
    await known.keep_fresh(tx)
    return await custom_parameters.keep_fresh(tx)


HOOKS = Hooks(
    validate=validation.issues,
    guards=(
        referral.guard,
        custom_parameters.guard,
        outbox.guard,
        claims.guard,
        persons.guard,
        consent.guard,
        bookings.guard,
        handover.guard,
        aftercare.guard,
        conversation.guard,
        criteria_keeping.guard,
    ),
    reactions=(
        validation.refuse_unknown_modifiers,
        grounds.follow,
        consent.follow,
        follow_writes,
        terminology.follow,
        validation.follow,
        custom_parameters.follow,
        outbox.follow,
        matching.follow,
        claims.follow,
        persons.follow,
        uploads.follow,
        reservation.follow,
        slots.follow,
        live_events.follow,
        beds.follow,
        directory.follow,
        criteria_keeping.follow,
        criteria_answers.follow,
        aftercare.follow,
        circumstances.follow,
        waits.follow,
        ending.follow,
    ),
    refresh=_refresh,
    outdated=custom_parameters.look_again,
    profiles=validation.hold,
    amend={"Subscription": amend, **dict.fromkeys(contents.TAKEN, uploads.TakeIn(scans=False))},
    sensitive=sensitivity.of,
    speaks_for=institutions.speaks_for,
)
"""What every write is checked by and tells, whoever writes: the server, a load, the demo region."""
HOLDING = replace(HOOKS, amend={**HOOKS.amend, **dict.fromkeys(contents.TAKEN, uploads.TakeIn(scans=True))})
"""The same where a clamd is configured: contents are held back until it has seen them."""


PERIODIC = (
    jobs.Periodic("jobs.clear", "jobs.clear", timedelta(minutes=10)),
    jobs.Periodic("audit.months", "audit.months", timedelta(hours=6)),
    jobs.Periodic(keys.JOB, keys.JOB, timedelta(days=1)),
    jobs.Periodic("card.clear", "card.clear", timedelta(hours=6)),
    jobs.Periodic(making.AHEAD, making.AHEAD, timedelta(hours=1)),
    jobs.Periodic(cds_feedback.CLEAR, cds_feedback.CLEAR, timedelta(days=1)),
    jobs.Periodic(bed_days.CLOSE, bed_days.CLOSE, timedelta(hours=1)),
    jobs.Periodic(waits.JOB, waits.JOB, timedelta(days=1)),
    jobs.Periodic(consortium.WARN, consortium.WARN, timedelta(days=1)),
    *bulk.PERIODIC,
    *subscriptions.PERIODIC,
    jobs.Periodic(deferred.SWEEP, deferred.SWEEP, timedelta(minutes=5)),
    jobs.Periodic(sending.CLEAR, sending.CLEAR, timedelta(hours=12)),
    *aftercare.PERIODIC,
    jobs.Periodic("store.reindex", reindex.JOB, timedelta(minutes=1)),
    jobs.Periodic(resealing.JOB, resealing.JOB, timedelta(minutes=5)),
    *(jobs.Periodic(name, name, timedelta(minutes=1)) for name in (absences.SWEEP, waiting_list.SWEEP, told.REMIND)),
)
"""What is done again and again, once in each interval, however many servers there are."""


def periodic(settings: Settings) -> tuple[jobs.Periodic, ...]:
    """Those of this house as it is set up."""
    return (*PERIODIC, jobs.Periodic(scans.AGAIN, scans.AGAIN, timedelta(minutes=5))) if settings.clamd else PERIODIC


DELIVERIES = 4
"""Deliveries under way for each job a server process carries out at a time."""


def job_kinds(settings: Settings) -> Mapping[str, jobs.Kind]:
    """Every kind of job this house knows and who carries it out: `jobs.enqueue(tx, "jobs.clear", {})`."""
    return {
        "jobs.clear": jobs.Kind(_clear_jobs),
        "audit.months": jobs.Kind(_make_months),
        keys.JOB: jobs.Kind(_rotate_keys),
        "card.clear": jobs.Kind(_clear_card_scans),
        **bulk_desk(settings).kinds(),
        **subscription_desk(settings).kinds(),
        **subscription_desk(settings).deliveries(),
        **message_desk(settings).kinds(),
        **message_desk(settings).deliveries(),
        reindex.JOB: jobs.Kind(reindex.work, heavy=True),
        resealing.JOB: jobs.Kind(resealing.work, heavy=True),
        matching.JOB: jobs.Kind(matching.carry_out, heavy=True),
        matching.FIND: jobs.Kind(worklist.look_up),
        **aftercare.kinds(),
        bookings.EXPIRE: jobs.Kind(_expire_hold),
        reservation.FOLLOW: jobs.Kind(following.follow_booking),
        alarms.CLOCK: jobs.Kind(alarms.ring),
        deferred.SWEEP: jobs.Kind(deferred.sweep),
        making.AHEAD: jobs.Kind(_make_slots_ahead),
        pool_rules.DEAL: jobs.Kind(dealing.work),
        absences.SWEEP: jobs.Kind(absences.sweep),
        waiting_list.SWEEP: jobs.Kind(waiting_list.sweep),
        told.REMIND: jobs.Kind(told.remind),
        bed_holds.EXPIRE: jobs.Kind(_expire_bed_hold),
        cds_feedback.CLEAR: jobs.Kind(_clear_cds_cards),
        bed_days.CLOSE: jobs.Kind(_close_bed_days),
        waits.JOB: jobs.Kind(waits.carry_out),
        consortium.WARN: jobs.Kind(consortium.warn),
        **({uploads.SCAN: jobs.Kind(partial(scans.scan, settings.clamd)), scans.AGAIN: jobs.Kind(scans.again)} if settings.clamd else {}),
    }


async def _clear_cds_cards(db: Database, job: jobs.Job) -> None:
    async with db.transaction() as tx:
        await cds_feedback.clear(tx)


async def _expire_hold(db: Database, job: jobs.Job) -> None:
    async with db.transaction() as tx:
        await bookings.expire(tx, SYSTEM, job.payload["appointment"])


async def _make_slots_ahead(db: Database, job: jobs.Job) -> None:
    await making.ahead(db)


async def _close_bed_days(db: Database, job: jobs.Job) -> None:
    async with db.transaction() as tx:
        await bed_days.close(tx, tx.now)


async def _expire_bed_hold(db: Database, job: jobs.Job) -> None:
    async with db.transaction() as tx:
        await bed_holds.expire(tx, job.payload["hold"])


async def opened(settings: Settings, dsn: str) -> Database:
    """The open store of a loading process. Called in that process; the tables are up to date by then."""
    use_region_zone(settings.zone)
    db = database(replace(settings, connections=2), dsn)
    await db.open()
    return db


def bulk_desk(settings: Settings) -> bulk.Desk:
    """Exports and imports, with the settings they work by."""
    return bulk.Desk.at(
        settings.bulk,
        settings.region_zone,
        keep=settings.bulk_keep,
        hosts=settings.import_hosts,
        most=settings.import_limit_bytes,
        side_by_side=lambda dsn: SideBySide(settings.import_processes, partial(opened, settings, dsn)),
    )


def subscription_desk(settings: Settings) -> subscriptions.SubscriptionDesk:
    """Deliveries of subscriptions, with the settings they work by."""
    return subscriptions.SubscriptionDesk.at(settings.public_url, settings.subscription_hosts)


def message_desk(settings: Settings) -> sending.Sending:
    """What messages are sent outside with, as this house is set up."""
    return sending.Sending(
        gateways.gateways(
            mail=settings.mail_server,
            sender=settings.mail_from,
            user=settings.mail_user,
            password=settings.mail_password,
            security=settings.mail_security,
            sms=settings.sms_gateway,
            wechat=settings.wechat_gateway,
            outbox=Path(settings.outbox_folder) if settings.outbox_folder else None,
        ),
        settings.public_url.rstrip("/"),
        {**dict.fromkeys(links.MINTED, partial(_minted, settings)), **dict.fromkeys(told.WARDS, told.still_guardian)},
    )


async def _minted(settings: Settings, tx: Tx, event: str, about: str) -> Mapping[str, str] | None:
    """What a letter to an institution outside says besides; where no public address is set, under the one this server listens on."""
    return await links.minted(tx, settings.public_url.rstrip("/") or f"http://{settings.host}:{settings.port}", event, about)


async def _make_months(db: Database, job: jobs.Job) -> None:
    async with db.transaction() as tx:
        await months.ensure(tx)


async def _rotate_keys(db: Database, job: jobs.Job) -> None:
    async with db.transaction() as tx:
        await keys.rotate_when_due(tx)


async def _clear_card_scans(db: Database, job: jobs.Job) -> None:
    async with db.transaction() as tx:
        await card.clear(tx)


async def _clear_jobs(db: Database, job: jobs.Job) -> None:
    async with db.transaction() as tx:
        await jobs.clear(tx)


def worker(settings: Settings, db: Database, *, at_once: int, heavy: bool) -> jobs.Worker:
    """A worker for every kind of job; not yet started."""
    return jobs.Worker(db, job_kinds(settings), at_once=at_once, heavy=heavy, periodic=periodic(settings))


def _workers(settings: Settings, db: Database) -> list[jobs.Worker]:
    """Those of a server process: one for all kinds but deliveries, and one for these, which do nothing but wait for receivers."""
    if not settings.jobs_at_once:
        return []
    waiting = {**subscription_desk(settings).deliveries(), **message_desk(settings).deliveries()}
    others = {name: kind for name, kind in job_kinds(settings).items() if name not in waiting}
    return [
        jobs.Worker(db, others, at_once=settings.jobs_at_once, heavy=settings.heavy_jobs, periodic=periodic(settings)),
        jobs.Worker(db, waiting, at_once=DELIVERIES * settings.jobs_at_once),
    ]


def database(settings: Settings, dsn: str) -> Database:
    """A database wired as this house wires it; not yet open."""
    hooks = HOLDING if settings.clamd else HOOKS
    return Database(dsn, hooks, size=settings.connections, disk=_disk(settings), keys=settings.key_path)


def _disk(settings: Settings) -> Disk | None:
    """The disk the embedded database lies on."""
    cluster = settings.data / "postgres"  # may be a link to another place
    return Disk(cluster, settings.disk_reserve_bytes) if not settings.database_url and cluster.exists() else None


async def prepare(settings: Settings, dsn: str) -> None:
    """Bring the tables up to date, then what must be in them: policies, terminology, the key tokens are signed with.

    Safe to run by several at once and at every start; writes only what is not there yet or has changed.
    """
    await migrate(dsn)
    await data_keys.ensure(dsn, settings.key_path, settings.sealing_suite, may_make=not settings.database_url)
    db = database(settings, dsn)
    await db.open()
    try:
        async with db.transaction() as tx:
            await tx.execute("select pg_advisory_xact_lock(hashtext('yilian prepare'))")
            await months.ensure(tx)
            await policy.seed(tx)
            await days.seed(tx)
            await keys.ensure(tx)
            await card_keys.ensure(tx)
            await matching.ensure(tx)
            await resealing.ensure(tx)
            if await matching.is_behind(tx):
                await jobs.enqueue(tx, matching.JOB, {}, key=matching.JOB)
            if await shipped.load(tx):
                await definitions.changed_now(tx)
            changes = [
                Change("PUT", one["resourceType"], one["id"], one)
                for one in (
                    *referral.definitions(),
                    *directory_codes.definitions(),
                    *bed_kinds.definitions(),
                    *criteria.definitions(),
                    *profiles.definitions(),
                    *handover.definitions(),
                    *aftercare.definitions(),
                    *consortium_codes.definitions(),
                )
            ]
            await write(tx, SYSTEM, changes)
            await directory.catch_up(tx)
    finally:
        await db.close()


class Front:
    """The front door: what is for /fhir goes straight there, everything else through the routes of the pages and of sign-in."""

    def __init__(self, fhir: FhirApi, others: Starlette) -> None:
        self.fhir = fhir
        self.others = others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (scope["path"] == "/fhir" or scope["path"].startswith("/fhir/")):
            await self.fhir(scope, receive, send)
        else:
            await self.others(scope, receive, send)


def build(settings: Settings, dsn: str) -> Front:
    """The whole server. `settings` are checked and the database is prepared; connections live as long as the application."""
    use_region_zone(settings.zone)
    db = database(settings, dsn)
    access = AccessSettings.of(settings)
    verifier = Verifier(db, access)
    limits = Limits(
        settings.person_requests_per_min, settings.address_sign_ins_per_min, settings.address_refused_per_min, public_directory.PER_MIN
    )
    reads = ReadLog(db, strict=settings.audit_strict)
    sealer = Sealer(dsn, db.clock, settings.audit_anchor_file)
    house = House(
        db=db,
        verifier=verifier,
        reads=reads,
        zone=settings.region_zone,
        public_url=settings.public_url.rstrip("/"),
        body_limit=settings.body_limit_bytes,
        bulk=bulk_desk(settings),
        listeners=Listeners(dsn),
        limits=limits,
        message_channels=tuple(message_desk(settings).gateways),
    )
    live = LiveEvents(house, dsn)
    health = Health(db)
    workers = _workers(settings, db)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await db.open(watched=True)
        reads.start()
        sealer.start()
        for one in workers:
            one.start()
        try:
            yield
        finally:
            for one in workers:
                await one.stop()
            if house.listeners is not None:
                await house.listeners.close()
            await live.close()
            await reads.close()
            await sealer.stop()
            await db.close()

    routes: list[BaseRoute] = [
        *oauth.routes(db, verifier, access, limits),
        Route("/healthz", health.alive),
        Route("/readyz", health.ready),
        Route(EVENTS, live.answer, methods=["GET"]),
        Route(CARD_KEYS, CardKeys(db).answer, methods=["GET"]),
        *CdsHooks(house, access).routes(),
        *public_directory.routes(db, limits),
        *outside.routes(house, access),
        WebSocketRoute(SOCKET, Sockets(house).answer),
        Route("/metrics", Metrics(db).answer),
        Mount("/", static.Pages(static.folder(), secure=house.public_url.startswith("https:"))),
    ]
    return Front(FhirApi(house, db.clock()), Starlette(routes=routes, lifespan=lifespan))
