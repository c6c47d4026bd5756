package org.luthier.debug.html;

import java.util.List;
import java.util.stream.Collectors;
import org.luthier.debug.CommonPlaces;
import org.luthier.debug.TensorDiff;

/** Every judged tensor in order of execution: its numbers, and its errors over positions as a strip of a heat map. */
final class TensorTable {
    private static final int STRIP = 256;

    private final Sides sides;
    private final PositionAxis positions = new PositionAxis();

    TensorTable(Sides sides) {
        this.sides = sides;
    }

    static String anchor(TensorDiff tensor) {
        return "tensor-" + tensor.order();
    }

    void write(Html html, List<TensorDiff> judged) {
        legend(html);
        html.open(
                "div",
                "class",
                "scroll",
                "role",
                "region",
                "tabindex",
                "0",
                "aria-label",
                "Tensors in order of execution, a table that scrolls");
        html.open("table", "class", "tensors");
        html.open("thead").open("tr");
        for (String heading : List.of("#", "tensor", "shape", "verdict", "error at each position or step", "worst")) {
            html.element("th", heading, "scope", "col");
        }
        for (String heading : List.of("max abs", "rel L2", "cosine", "ratio", "arg-max")) {
            html.element("th", heading, "scope", "col", "class", "number");
        }
        html.close().close().open("tbody");
        judged.forEach(tensor -> row(html, tensor));
        html.close().close().closeLine();
    }

    private static void legend(Html html) {
        html.open("p", "class", "legend").text("Largest error, relative to max(1, largest value of the reference): ");
        html.element("span", "1e" + Palette.LEAST);
        html.empty("img", "src", Palette.ERRORS.legend(), "alt", "from faint blue over orange to red", "class", "ramp");
        html.element("span", "1 and more").text(" on a logarithmic scale; grey where nothing was recorded.");
        html.closeLine();
    }

    private void row(Html html, TensorDiff tensor) {
        html.open("tr", "id", anchor(tensor), "class", tensor.verdict().toString());
        html.element("td", Integer.toString(tensor.order()), "class", "number");
        html.open("th", "scope", "row").name(tensor.name()).close();
        String shape = tensor.shape().stream().map(String::valueOf).collect(Collectors.joining("×"));
        html.element("td", Numbers.shortened(shape, 40), "class", "shape");
        html.open("td");
        LayerOutline.mark(html, tensor.verdict(), tensor.verdict().toString());
        html.close();
        strip(html, tensor);
        number(html, Numbers.error(tensor.maxAbs()));
        number(html, Numbers.error(tensor.relL2()));
        number(html, Numbers.ratio(tensor.cosine()));
        number(html, Numbers.ratio(tensor.ratio()));
        number(html, Numbers.ratio(tensor.argmax()));
        html.closeLine();
    }

    private static void number(Html html, String number) {
        html.element("td", number, "class", "number");
    }

    private void strip(Html html, TensorDiff tensor) {
        PositionErrors errors = errors(tensor);
        int worst = errors.worst();
        if (worst < 0) {
            html.element("td", Numbers.shortened(tensor.note() == null ? "" : tensor.note(), 200), "class", "faint");
            html.element("td", "");
            return;
        }
        double[] pooled = errors.pooled(STRIP);
        String word = tensor.step() >= 0 ? "step " : "position ";
        String place = word + (errors.first() + worst % errors.positions());
        String size = Numbers.error(errors.errors()[worst]);
        html.open("td", "class", "strip");
        html.empty(
                "img",
                "src",
                Palette.ERRORS.picture(pooled.length, 1, (x, y) -> Palette.level(Palette.ofError(pooled[x]))),
                "alt",
                Numbers.count(errors.positions(), "position", "positions") + ", the largest error " + size + " at "
                        + place);
        if (tensor.note() != null) {
            html.element("span", Numbers.shortened(tensor.note(), 200), "class", "faint");
        }
        html.close();
        html.open("td", "class", "worst").text(size);
        if (errors.errors()[worst] > 0) {
            html.element("span", " " + place, "class", "faint");
        }
        html.close();
    }

    private PositionErrors errors(TensorDiff tensor) {
        if (!sides.both(tensor.name())) {
            return new PositionErrors(new double[0], 0, 0);
        }
        CommonPlaces common = sides.common(tensor.name());
        return PositionErrors.of(common, positions.of(sides.reference().tensor(tensor.name()), common.sizes()));
    }
}
