package org.luthier.debug.html;

import java.util.ArrayList;
import java.util.List;
import org.luthier.debug.CommonPlaces;
import org.luthier.debug.RecordedTensor;
import org.luthier.debug.TensorDiff;
import org.luthier.debug.TraceDiff;
import org.luthier.debug.Verdict;

/** The values of what departs, on both sides; of a clean comparison, those of the tensor that is farthest from its reference. */
final class Values {
    private static final int COLUMNS = 256;
    private static final int ROWS = 96;
    private static final int MOST_IDS = 24;

    private final TraceDiff diff;
    private final Sides sides;

    Values(TraceDiff diff, Sides sides) {
        this.diff = diff;
        this.sides = sides;
    }

    /** @param most tensors at most, those that depart by themselves before those that inherit it */
    void write(Html html, int most) {
        List<TensorDiff> departed = shown(Verdict.DEPARTED);
        List<TensorDiff> inherited = shown(Verdict.INHERITED);
        if (diff.clean()) {
            shown(Verdict.SAME).stream()
                    .filter(tensor -> tensor.relL2() > 0)
                    .reduce((a, b) -> b.relL2() > a.relL2() ? b : a)
                    .ifPresent(departed::add);
        }
        if (departed.isEmpty() && inherited.isEmpty()) {
            return;
        }
        html.open("section", "aria-labelledby", "values", "class", "values");
        html.element(
                "h2", diff.clean() ? "Values of the largest difference" : "Values of what departs", "id", "values");
        int own = Math.min(most, departed.size());
        departed.subList(0, own).forEach(tensor -> tensor(html, tensor));
        if (own < departed.size()) {
            html.element("p", "and " + (departed.size() - own) + " more that depart", "class", "faint");
        }
        int others = Math.min(most - own, inherited.size());
        if (others > 0) {
            html.open("details");
            String first = others < inherited.size() ? "the first " + others + " of " : "";
            html.element("summary", "Values of what inherits it, " + first + inherited.size());
            inherited.subList(0, others).forEach(tensor -> tensor(html, tensor));
            html.close();
        }
        html.closeLine();
    }

    /** Those of a verdict that have places in common. */
    private List<TensorDiff> shown(Verdict verdict) {
        List<TensorDiff> shown = new ArrayList<>();
        for (TensorDiff tensor : diff.tensors()) {
            boolean compared = !Double.isNaN(tensor.maxAbs()) && !tensor.shape().isEmpty();
            if (tensor.verdict() == verdict && compared && sides.both(tensor.name())) {
                shown.add(tensor);
            }
        }
        return shown;
    }

    private void tensor(Html html, TensorDiff tensor) {
        String name = Numbers.name(tensor.name());
        html.open("h3").name(tensor.name()).text(" ");
        LayerOutline.mark(html, tensor.verdict(), tensor.verdict().toString());
        html.close();
        RecordedTensor reference = sides.reference().tensor(tensor.name());
        CommonPlaces common = sides.common(tensor.name());
        if (reference.integers()) {
            ids(html, common);
            return;
        }
        if (common.sizes().size() > 2) {
            String word = tensor.step() >= 0 || reference.steps() ? "step" : "position";
            Picture.of(common, axis(reference, common), word, COLUMNS, ROWS).write(html, name, true);
        }
        Histogram.of(common).write(html, name);
    }

    /** Time is as long as it is in the tensors before. */
    private int axis(RecordedTensor reference, CommonPlaces common) {
        PositionAxis axis = new PositionAxis();
        for (TensorDiff before : diff.tensors()) {
            if (before.name().equals(reference.name())) {
                break;
            }
            if (before.shape().size() == 3 && sides.both(before.name())) {
                axis.of(
                        sides.reference().tensor(before.name()),
                        sides.common(before.name()).sizes());
            }
        }
        return axis.of(reference, common.sizes());
    }

    private static void ids(Html html, CommonPlaces common) {
        html.open("table", "class", "numbers").open("thead").open("tr");
        for (String heading : List.of("place", "reference", "trace")) {
            html.element("th", heading, "scope", "col");
        }
        html.close().close().open("tbody");
        int[] different = new int[1];
        common.forEach((index, mine, theirs) -> {
            if (mine != theirs && different[0]++ < MOST_IDS) {
                List<Integer> place = new ArrayList<>();
                for (int axis = 0; axis < index.length; axis++) {
                    place.add(common.whole(axis, index[axis]));
                }
                html.open("tr").element("td", place.toString());
                html.element("td", Long.toString((long) theirs)).element("td", Long.toString((long) mine));
                html.close();
            }
        });
        html.close().close();
        html.element("p", Numbers.count(different[0], "id differs", "ids differ"), "class", "faint");
    }
}
