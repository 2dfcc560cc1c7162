"""Whether every documented search has an index to begin with, at any size.

    make bench          or: PYTHONPATH=. .venv/bin/python bench/search_plans.py --size 1000000

It fills a database with so many resources, lets PostgreSQL gather its statistics, and has it explain every search by each
parameter of each type with each modifier and prefix, in each order, through each link, what belongs to a page, and every history. It fails
where a table of resources, versions or search values would be read whole. A search by what most resources have (`:not`,
`:missing=true`, `ne`) walks its type in order, and its exact total counts that type: that is as long as the type is.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

import asyncpg

from app.store import database, embedded
from app.store.database import Database
from bench.planning import plans, rows, searches
from bench.planning.plans import Plan
from bench.planning.rows import World


async def explained(store: Database, world: World) -> list[Plan]:
    permits, found = plans.permits(), []
    async with store.transaction() as tx:
        for search in searches.searches(world):
            found.append(await plans.of(tx, permits, search))
        for followed in searches.followed(world):
            found.append(await plans.of_included(tx, permits, followed))
        for history in searches.histories(world):
            found.append(await plans.of_history(tx, permits, history))
    return found


async def run(url: str, size: int) -> int:
    store, connection = await database.connect(url, seconds=24 * 3600), await asyncpg.connect(url)
    await database.migrate(store)
    begun, world = time.monotonic(), World(size)
    await rows.fill(connection, world)
    print(f"{size:,} resources, filled in {time.monotonic() - begun:.0f} s")
    found = await explained(store, world)
    for plan in sorted(found, key=lambda plan: plan.cost):
        print(f"{plan.cost:14,.0f}  {plan.asked:70}  {' '.join(plan.scanned or plan.indexes)}")
    scanning = [plan for plan in found if plan.scanned]
    print(f"{len(found):,} searches, of which {len(scanning)} would read a whole table")
    for plan in scanning:
        print(f"{plan.asked} reads {', '.join(plan.scanned)}")
    await connection.close()
    await store.close()
    return 1 if scanning else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=1_000_000, help="how many resources")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="cradle-plans-"))
    folder.chmod(0o755)  # PostgreSQL's user has to come in
    server = embedded.start(folder, durable=False)
    try:
        return asyncio.run(run(server.url, asked.size))
    finally:
        server.stop()


if __name__ == "__main__":
    sys.exit(main())
