"""`yilian card`: check a code of the health card without network or database, and take a new key into use."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import uvloop

from yilian.command import house
from yilian.config import Settings
from yilian.errors import BadRequest
from yilian.identity import card_code, card_keys

NOT_CHECKED = (
    "不能离线确认的:二维码是否已被用过(重放),健康卡是否已停用,持卡人是谁。恢复网络后请重新扫码办理。\n"
    "Not checked, because only the region's database knows: whether the code was used before, whether the card was withdrawn, whose it is."
)


def verify(settings: Settings, code: str, keys: Path, leeway_s: int) -> int:
    """Check a code by a file of public keys as the server publishes it. Raises BadRequest for a file that is none, CardRefused."""
    try:
        known = card_code.read_published(keys.read_bytes())
    except (OSError, ValueError) as error:
        raise BadRequest(f"{keys}: {error}") from None
    claims = card_code.verify(code, known, now=datetime.now(UTC), leeway=timedelta(seconds=leeway_s))
    until = claims.expires.astimezone(settings.region_zone)
    told = {
        "区域 region": claims.region,
        "卡号 card": claims.card,
        "有效至 until": f"{until:%Y-%m-%d %H:%M:%S}",
        "密钥 key": f"{claims.kid} ({known[claims.kid].algorithm})",
    }
    print("签名有效 the signature holds", *(f"  {name}: {value}" for name, value in told.items()), NOT_CHECKED, sep="\n")
    return 0


def rotate(settings: Settings) -> int:
    """Take a new key into use, of the algorithm policy names; codes already shown stay good for the minute they live."""

    async def run(dsn: str) -> str:
        async with house.database(settings, dsn) as db, db.transaction() as tx:
            return await card_keys.rotate(tx)

    with house.address(settings, alone=False, purpose="yilian card") as dsn:
        print(f"New codes are signed by {uvloop.run(run(dsn))}.")
    return 0


def export(settings: Settings) -> int:
    """Write the public keys to standard output, for desks that check without network."""

    async def run(dsn: str) -> dict[str, list[dict[str, str]]]:
        async with house.database(settings, dsn) as db, db.reading() as tx:
            return card_code.published(await card_keys.usable(tx))

    with house.address(settings, alone=False, purpose="yilian card") as dsn:
        print(msgspec.json.format(msgspec.json.encode(uvloop.run(run(dsn)))).decode())
    return 0
