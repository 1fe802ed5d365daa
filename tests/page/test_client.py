"""
client.js in a page of somebody else's making.
"""

from __future__ import annotations

import re
import threading

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from tests.support.browser import Visit
from tests.support.site import Site
from tests.support.visitor import to_time


HTML = """<!doctype html><html lang="en"><title>A shop</title>
<main><h1>A shop</h1>{body}</main><script type="module" src="/client.js"></script>"""


@pytest.fixture(name="plain")
def _plain(visit: Visit, site: Site) -> Any:
    """
    Opens a plain page with such a body, on the server's own host.
    """

    def open_plain(body: str) -> Page:
        def answer(route: Route) -> None:
            html = HTML.format(body=body)
            route.fulfill(content_type="text/html; charset=utf-8", body=html)

        visit.page.route("**/plain.html", answer)
        visit.page.goto(f"{site.address}/plain.html")
        visit.page.wait_for_function("!!customElements.get('evershelf-similar')")
        return visit.page

    return open_plain


def hold(route: Route, held: list[Route]) -> None:
    """
    Let a request wait.
    """
    held.append(route)


def call(page: Page, script: str, argument: Any = None) -> Any:
    """
    Return what an async function of the client's exports returns.
    """
    return page.evaluate(
        f"""async (argument) => {{
            const client = await import("/client.js");
            return await ({script})(client, argument);
        }}""",
        argument,
    )


def test_the_carousel(plain: Any, visit: Visit, site: Site) -> None:
    """
    One tag is all: names, prices and links of what is alike, a label for those who
    hear it, and no fault that axe finds.
    """
    shown = site.one(status="approved", category="Chairs")
    page = plain(
        f"""<evershelf-similar product-id="{shown["_id"]}" limit="5"
        href="/p/{{id}}" currency="EUR" label="You may like"></evershelf-similar>"""
    )
    carousel = page.locator("evershelf-similar")
    expect(carousel).to_have_attribute("state", "ready")

    cards = page.get_by_role("region", name="You may like").get_by_role("link")
    expect(cards).to_have_count(5)
    assert re.fullmatch(r"/p/[0-9a-f]{24}", cards.first.get_attribute("href") or "")
    expect(carousel.locator(".price").first).to_have_text(
        re.compile(r"^€[\d,]+\.\d\d$")
    )
    expect(carousel.get_by_role("status")).to_have_text("5 products")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


@contextmanager
def other_site(port: int, html: str) -> Iterator[str]:
    """
    Serve one page from another origin; yield its address.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(html.encode())

        def log_message(self, *_arguments: object) -> None:
            """
            Say nothing.
            """

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{port}/"
        server.shutdown()
        thread.join()


def test_in_a_page_of_another_site(visit: Visit, site: Site) -> None:
    """
    Where the server allows that site, the module loads there, asks the server that it
    came from, and follows its events.
    """
    shown = site.one(status="approved", category="Chairs")
    tag = f'<evershelf-similar product-id="{shown["_id"]}" limit="3" explain>'
    html = HTML.format(body=f"{tag}</evershelf-similar>")
    html = html.replace('src="/client.js"', f'src="{site.address}/client.js"')
    page = visit.page
    with other_site(site.other_port, html) as address:
        visit.foresee(f"another host: {address}")
        with page.expect_request("**/v1/events"):
            page.goto(address)

        carousel = page.locator("evershelf-similar")
        expect(carousel).to_have_attribute("state", "ready")
        expect(carousel.locator(".card")).to_have_count(3)
        page.goto("about:blank")  # the connection is let go of


def test_the_carousel_waits_without_jumping(
    plain: Any, visit: Visit, site: Site
) -> None:
    """
    While the answer is on its way there are as many empty cards, and the height stays.
    """
    shown = site.one(status="approved", category="Chairs")
    held: list[Route] = []
    visit.page.route("**/similar?*", lambda route: hold(route, held))
    page = plain(f'<evershelf-similar product-id="{shown["_id"]}"></evershelf-similar>')
    carousel = page.locator("evershelf-similar")
    expect(carousel).to_have_attribute("state", "loading")
    expect(carousel.locator(".wait")).to_have_count(6)
    page.wait_for_function("document.querySelector('evershelf-similar').offsetHeight")
    before = carousel.bounding_box()

    while not held:
        page.wait_for_timeout(20)
    for route in held:
        route.continue_()
    expect(carousel).to_have_attribute("state", "ready")
    after = carousel.bounding_box()
    assert before is not None
    assert after is not None
    assert abs(before["height"] - after["height"]) < 24


def test_a_product_that_nothing_is_like(plain: Any, visit: Visit, site: Site) -> None:
    """
    The page's own words for it may stand in the tag.
    """
    visit.foresee("404 (Not Found)")
    page = plain(
        """<evershelf-similar product-id="unknown"><span slot="empty">Nothing.</span>
        </evershelf-similar>"""
    )

    expect(page.locator("evershelf-similar")).to_have_attribute("state", "empty")
    expect(page.get_by_text("Nothing.")).to_be_visible()


def test_a_server_that_fails(plain: Any, visit: Visit, site: Site) -> None:
    """
    After its retries the carousel says so, tells the page, and tries again when asked.
    """
    visit.foresee("ERR_FAILED")
    shown = site.one(status="approved", category="Chairs")
    visit.page.route("**/similar?*", lambda route: route.abort())
    page = plain(
        f'<evershelf-similar product-id="{shown["_id"]}"></evershelf-similar>'
        "<script>addEventListener('evershelf-error',"
        "(event) => { window.failure = event.detail.code })</script>"
    )
    carousel = page.locator("evershelf-similar")
    expect(carousel).to_have_attribute("state", "error")
    assert page.evaluate("window.failure") == "unreachable"

    with page.expect_request("**/similar?*"):
        page.get_by_role("button", name="Try again").click()
    expect(carousel).to_have_attribute("state", "error")
    page.unroute("**/similar?*")
    if carousel.get_attribute("state") == "error":  # an event may have come before
        carousel.evaluate("(one) => one.refresh()")
    expect(carousel).to_have_attribute("state", "ready")


def test_the_page_may_take_a_click_over(plain: Any, site: Site) -> None:
    """
    Without `href` cards are buttons, and say what was chosen.
    """
    shown = site.one(status="approved", category="Chairs")
    page = plain(
        f'<evershelf-similar product-id="{shown["_id"]}"></evershelf-similar>'
        "<script>addEventListener('evershelf-select',"
        "(event) => { window.chosen = event.detail.product.name })</script>"
    )
    card = page.locator("evershelf-similar").get_by_role("button").first
    name = card.locator(".name").inner_text()
    card.click()

    assert page.evaluate("window.chosen") == name


def test_recommend(plain: Any, site: Site) -> None:
    """
    One product, several with weights, and words; filters are passed on, lists too.
    """
    chair, pan = (
        str(site.one(status="approved", category=name)["_id"])
        for name in ("Chairs", "Cookware")
    )
    page = plain("")

    one = call(
        page,
        "({ recommend }, id) => recommend(id, { limit: 2, category: ['Chairs', 'x'] })",
        chair,
    )
    several = call(
        page,
        """({ recommend }, [a, b]) => recommend([a, { id: b, weight: 2 }, "gone"],
            { limit: 3, explain: true })""",
        [chair, pan],
    )
    words = call(page, "({ recommend }) => recommend({ q: 'bread knife' })")

    assert [hit["product"]["category"][1] for hit in one["items"]] == ["Chairs"] * 2
    assert one["model"]["stale"] is False
    assert several["unknown"] == ["gone"]
    assert all(hit["explain"]["sentence"] for hit in several["items"])
    assert not {chair, pan} & {hit["id"] for hit in several["items"]}
    assert "bread knife" in words["items"][0]["product"]["name"]


def test_a_problem_is_an_error_with_its_code(plain: Any, visit: Visit) -> None:
    """
    What cannot be right a second time is not tried again.
    """
    visit.foresee("400 (Bad Request)")
    page = plain("")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    error = call(
        page,
        """({ recommend }) => recommend("x", { limt: 1 }).catch(
            ({ name, status, code, requestId, errors }) =>
            ({ name, status, code, requestId, wrong: errors[0].parameter }))""",
    )

    assert (error["name"], error["status"]) == ("EvershelfError", 400)
    assert (error["code"], error["wrong"]) == ("bad_parameters", "limt")
    assert error["requestId"]
    assert len(asked) == 1


def test_retries(plain: Any, visit: Visit, site: Site) -> None:
    """
    A server that is away for a moment is asked again, with pauses; Retry-After counts.
    """
    visit.foresee("503 (Service Unavailable)", "ERR_CONNECTION_RESET")
    chair = str(site.one(status="approved", category="Chairs")["_id"])
    page = plain("")
    failures = [
        lambda route: route.fulfill(status=503, headers={"Retry-After": "1"}),
        lambda route: route.abort("connectionreset"),
        lambda route: route.continue_(),
    ]

    def answer(route: Route) -> None:
        failures.pop(0)(route)

    page.route("**/similar?*", answer)

    found = call(
        page,
        """async ({ recommend }, id) => {
            const began = performance.now();
            const { items } = await recommend(id, { limit: 4 });
            return { count: items.length, took: performance.now() - began };
        }""",
        chair,
    )

    assert found["count"] == 4
    assert found["took"] >= 1000
    assert not failures


def test_abort(plain: Any, visit: Visit, site: Site) -> None:
    """
    The signal ends a request under way and a pause before a retry; nothing is asked
    afterwards.
    """
    visit.foresee("503 (Service Unavailable)", "ERR_")
    page = plain("")
    asked: list[Route] = []

    def fail(route: Route) -> None:
        asked.append(route)
        route.fulfill(status=503)

    page.route("**/similar?*", fail)
    reason = call(
        page,
        """async ({ recommend }) => {
            const ending = new AbortController();
            setTimeout(() => ending.abort(new Error("enough")), 60);
            return recommend("x", { signal: ending.signal, retries: 50 }).catch(
                (error) => error.message);
        }""",
    )
    count = len(asked)
    page.wait_for_timeout(700)

    assert reason == "enough"
    assert len(asked) == count <= 2


def test_a_time_limit(plain: Any, visit: Visit) -> None:
    """
    A server that does not answer in time is as good as away.
    """
    visit.foresee("ERR_")
    page = plain("")
    held: list[Route] = []
    page.route("**/similar?*", lambda route: hold(route, held))

    code = call(
        page,
        """({ recommend }) => recommend("x", { timeoutMs: 150, retries: 1 }).catch(
            (error) => error.code)""",
    )

    assert code == "timeout"
    assert len(held) == 2


def test_follow(plain: Any, site: Site) -> None:
    """
    The result comes again when it has changed, and only then; not after it was ended.
    """
    chair = site.one(status="approved", category="Chairs")
    page = plain("")
    page.evaluate(
        """async (id) => {
            const { follow } = await import("/client.js");
            window.seen = [];
            window.stop = follow(id, { limit: 100 },
                ({ items }) => window.seen.push(items.map((hit) => hit.product.name)));
        }""",
        str(chair["_id"]),
    )
    page.wait_for_function("window.seen.length === 1")
    twin = {key: chair[key] for key in chair if key != "_id"} | {"name": "Follow chair"}
    made = site.products.insert_one(twin)
    page.wait_for_function("window.seen.at(-1).includes('Follow chair')")

    page.evaluate("window.stop()")
    count = page.evaluate("window.seen.length")
    site.products.delete_one({"_id": made.inserted_id})
    site.settle()
    page.wait_for_timeout(1_500)
    assert page.evaluate("window.seen.length") == count


def test_nothing_is_missed_before_the_stream_opens(plain: Any, site: Site) -> None:
    """
    What is written after the first answer and before the first event shows all the
    same.
    """
    chair = site.one(status="approved", category="Chairs")
    page = plain("")
    held: list[Route] = []
    page.route("**/v1/events", lambda route: hold(route, held))
    page.evaluate(
        """async (id) => {
            const { follow } = await import("/client.js");
            window.seen = [];
            follow(id, { limit: 100 },
                ({ items }) => window.seen.push(items.map((hit) => hit.product.name)));
        }""",
        str(chair["_id"]),
    )
    page.wait_for_function("window.seen.length === 1")
    twin = {key: chair[key] for key in chair if key != "_id"} | {"name": "Early chair"}
    made = site.products.insert_one(twin)
    site.settle()

    for route in held:
        route.continue_()
    page.wait_for_function("window.seen.at(-1).includes('Early chair')")
    site.products.delete_one({"_id": made.inserted_id})


def as_of_another_pair(route: Route, *, time: str = "", generation: int = 0) -> None:
    """
    Answer as a pair would that has come to another time, or counts otherwise.
    """
    if "after=" in route.request.url:
        route.continue_()
        return
    answer = route.fetch()
    content, headers = answer.json(), dict(answer.headers)
    headers.pop("content-encoding", None)
    if time:
        content["model"]["cluster_time"] = headers["evershelf-cluster-time"] = time
    if generation:
        content["model"]["generation"] = generation
    route.fulfill(response=answer, headers=headers, json=content)


def test_answers_do_not_go_back_in_time(plain: Any, site: Site) -> None:
    """
    An answer that is older than one before is asked for again, with the time that it
    must have come to; where none is older nothing is asked twice.
    """
    chair = site.one(status="approved", category="Chairs")
    page = plain("")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    script = """async ({ recommend }, id) =>
        (await recommend(id, { limit: 3 })).model.cluster_time"""
    before = call(page, script, str(chair["_id"]))
    call(page, script, str(chair["_id"]))
    assert sum("/similar" in url for url in asked) == 2

    page.route("**/similar?*", lambda route: as_of_another_pair(route, time="7:1"))
    again = call(page, script, str(chair["_id"]))

    assert to_time(again) >= to_time(before)
    assert "after=" in asked[-1]


def test_follows_whatever_each_pair_counts(plain: Any, site: Site) -> None:
    """
    News are shown though the answers come from a pair whose generations have much
    higher numbers than those that the stream tells of.
    """
    chair = site.one(status="approved", category="Chairs")
    page = plain("")
    page.route(
        "**/similar?*", lambda route: as_of_another_pair(route, generation=10**6)
    )
    page.evaluate(
        """async (id) => {
            const { follow } = await import("/client.js");
            window.seen = [];
            follow(id, { limit: 100 },
                ({ items }) => window.seen.push(items.map((hit) => hit.product.name)));
        }""",
        str(chair["_id"]),
    )
    page.wait_for_function("window.seen.length === 1")
    twin = {key: chair[key] for key in chair if key != "_id"} | {"name": "Other chair"}
    made = site.products.insert_one(twin)

    page.wait_for_function("window.seen.at(-1).includes('Other chair')")
    site.products.delete_one({"_id": made.inserted_id})


def test_one_stream_for_all(plain: Any, site: Site) -> None:
    """
    Several carousels of a page share one stream: browsers open only six to a host.
    """
    chairs = site.products.find({"status": "approved", "category": "Chairs"}, limit=4)
    asked: list[str] = []
    tags = [
        f'<evershelf-similar product-id="{one["_id"]}"></evershelf-similar>'
        for one in chairs
    ]
    page = plain("")
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate(
        "(html) => document.querySelector('main').innerHTML = html", "".join(tags)
    )
    expect(page.locator("evershelf-similar[state=ready]")).to_have_count(4)

    assert sum("/v1/events" in url for url in asked) == 1
