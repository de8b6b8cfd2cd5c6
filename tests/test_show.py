"""What notebooks show: alt text, claims that fail when false, measurements, errors that are expected."""

import base64
import io

import pytest
from matplotlib.figure import Figure
from PIL import Image

from lessons import as_graph, show
from lessons.show import graph as show_graph


def draw_line(k):
    fig = Figure(figsize=(4, 2))
    fig.subplots().plot(range(k))
    return fig, f"A line of {k} points."


@pytest.fixture
def shown(monkeypatch):
    """What would be displayed in a notebook."""
    bundles = []
    monkeypatch.setattr(show, "_shell", lambda: object())
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: bundles.append(bundle))
    return bundles


def picture_of(html):
    data = html.split("base64,")[1].split('"')[0]
    return Image.open(io.BytesIO(base64.b64decode(data)))


def test_figure_carries_its_alt_text_in_both_forms(shown):
    show.figure(draw_line(3)[0], 'A line, "rising" & straight.')
    (bundle,) = shown
    assert bundle["text/plain"] == 'Figure: A line, "rising" & straight.'
    assert 'alt="A line, &quot;rising&quot; &amp; straight."' in bundle["text/html"]
    assert set(bundle) == {"text/plain", "text/html"}, "an image/png of its own would lose the alt text"


@pytest.mark.parametrize(("inches", "pixels"), [(4.0, 400), (6.4, 640), (20.0, 640)])
def test_figures_are_at_most_640_pixels_wide_and_sharp(shown, inches, pixels):
    show.figure(Figure(figsize=(inches, 2)), "An empty page.")
    assert f"width:{pixels}px" in shown[0]["text/html"]
    assert abs(picture_of(shown[0]["text/html"]).width - 2 * pixels) <= 1


@pytest.mark.parametrize("alt", ["", "  ", "One. Two. Three."])
def test_alt_text_is_one_or_two_sentences(alt):
    with pytest.raises(ValueError, match="alt text"):
        show.figure(Figure(), alt)


def test_numbers_do_not_end_sentences(shown):
    show.figure(Figure(), "It falls from 0.5 to 0.25. It never reaches 0.")
    assert len(shown) == 1


def test_panel_shows_each_setting(shown):
    show.panel(draw_line, k=(2, 3, 5))
    assert shown[0]["text/plain"].splitlines()[1] == "Figure, k = 3: A line of 3 points."
    assert shown[0]["text/html"].count("<img alt=") == 3


def test_panel_varies_one_setting():
    with pytest.raises(ValueError, match="one setting, not 2"):
        show.panel(draw_line, k=(2, 3), j=(1, 2))


def test_explore_does_nothing_without_a_front_end(capsys):
    assert show.explore(draw_line, k=(2, 9)) is None
    assert capsys.readouterr() == ("", "")


def explored(shown, draw, **settings):
    """The controls and the picture that explore shows."""
    show.explore(draw, **settings)
    view = shown[0]["application/vnd.jupyter.widget-view+json"]
    from ipywidgets.widgets import widget

    box = widget._instances[view["model_id"]]
    return box.children[:-1], box.children[-1]


def test_explore_redraws_when_its_slider_moves(shown):
    (slider,), picture = explored(shown, draw_line, k=(2, 9))
    before = picture.value
    slider.value = 7
    assert 'alt="A line of 7 points."' in picture.value != before
    assert "k" in shown[0]["text/plain"]


def test_explore_has_a_control_for_each_kind_of_setting(shown):
    def draw(k, t, name, dark):
        return Figure(figsize=(1, 1)), f"{k} {t} {name} {dark}."

    controls, picture = explored(shown, draw, k=(0, 10, 2), t=(0.0, 1.0), name=["a", "b"], dark=True)
    kinds = [type(control).__name__ for control in controls]
    assert kinds == ["IntSlider", "FloatSlider", "Dropdown", "Checkbox"]
    assert [control.description for control in controls] == ["k", "t", "name", "dark"]
    assert 'alt="5 0.5 a True."' in picture.value


def test_explore_tells_an_error_where_the_picture_would_be(shown):
    def draw(k):
        if k > 5:
            raise ValueError(f"k = {k} < is too much")
        return draw_line(k)

    (slider,), picture = explored(shown, draw, k=(2, 9))
    assert "lessons-error" not in picture.value
    slider.value = 9
    assert 'class="lessons-error" role="alert">ValueError: k = 9 &lt; is too much<' in picture.value


@pytest.mark.parametrize(
    ("bounds", "value", "printed"),
    [
        ({"equals": 34}, 34, "✓ nodes: 34"),
        ({"equals": 1234567}, 1234567, "✓ nodes: 1,234,567"),
        ({"equals": 0.5, "within": 0.1}, 0.58, "✓ nodes: 0.5 ± 0.1"),
        ({"at_least": 0.95}, 0.97, "✓ nodes: at least 0.95"),
        ({"at_least": 1, "at_most": 3}, 2, "✓ nodes: at least 1 and at most 3"),
        ({"equals": ["a", "b"]}, ["a", "b"], "✓ nodes: ['a', 'b']"),
        ({}, True, "✓ nodes"),
    ],
)
def test_claim_prints_the_bound_that_holds(bounds, value, printed, capsys):
    show.claim("nodes", value, **bounds)
    assert capsys.readouterr().out == printed + "\n"


@pytest.mark.parametrize(
    ("bounds", "value"),
    [
        ({"equals": 34}, 35),
        ({"equals": 0}, 1),
        ({"equals": 0.5, "within": 0.1}, 0.61),
        ({"at_least": 0.95}, 0.94),
        ({"at_least": 0.95}, float("nan")),
        ({"at_least": 1, "at_most": 3}, 4),
        ({}, False),
        ({}, []),
    ],
)
def test_a_false_claim_fails_and_says_the_value(bounds, value):
    with pytest.raises(AssertionError) as error:
        show.claim("nodes", value, **bounds)
    assert str(error.value).endswith(f"claimed; it is {value}")


def test_measured_hides_only_its_digits(shown):
    show.measured("to sort", [1.0, 2.0, 3.0], "s")
    assert shown[0]["text/plain"] == "measured here, 3 runs: to sort [s]"
    assert '<span class="measured">2 ± 1</span>' in shown[0]["text/html"]
    show.measured("to sort", 0.25)
    assert '<span class="measured">0.25</span>' in shown[1]["text/html"]
    with pytest.raises(ValueError, match="no run"):
        show.measured("nothing", [])


def test_expect_error(capsys):
    with show.expect_error(KeyError):
        as_graph([("a", "b")], nodes=["a", "b"]).index("c")
    assert capsys.readouterr().out == "UnknownLabel: no node 'c'; the nearest is 'b'\n"
    with pytest.raises(AssertionError, match="KeyError was expected"), show.expect_error(KeyError):
        pass
    with pytest.raises(ZeroDivisionError), show.expect_error(KeyError):
        int("1") / 0


@pytest.mark.parametrize(
    "graph",
    [
        as_graph([], n=0),
        as_graph([], n=1),
        as_graph([(0, 0)], n=2),
        as_graph([(0, 1), (1, 0), (2, 2)], n=4, directed=True),
        as_graph([(i, (i + 1) % 400) for i in range(400)], n=500),
        as_graph([("a", (1, 2), 0.5)], nodes=["a", (1, 2)]),
    ],
    ids=["empty", "one node", "loop", "both ways", "large, in pieces", "weighted, mixed labels"],
)
def test_any_graph_can_be_drawn(graph, shown):
    show.figure(*show_graph.draw_graph(graph, marked=graph.nodes[:1]))
    assert shown[0]["text/plain"].startswith(("Figure: A directed graph", "Figure: An undirected graph"))


def test_layouts_do_not_change_between_calls():
    graph = as_graph([(i, (i * 7 + 1) % 400) for i in range(400)], n=400)
    assert (show_graph.layout(graph) == show_graph.layout(graph)).all()


def test_spread_brings_neighbours_together():
    ring = as_graph([(i, (i + 1) % 400) for i in range(400)], n=400)
    at = show_graph.spread(ring)
    along = ((at[ring.edge_rows[:, 0]] - at[ring.edge_rows[:, 1]]) ** 2).sum(axis=1) ** 0.5
    across = ((at - at[::-1]) ** 2).sum(axis=1) ** 0.5
    assert along.mean() < across.mean() / 5
