package org.luthier.debug.html;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.luthier.debug.TensorDiff;
import org.luthier.debug.Verdict;

/** The layers as a tree that the names of the tensors make, each with the verdicts of what is inside. */
final class LayerOutline {
    /** Names with more parts keep the rest in one piece. */
    private static final int DEEPEST = 6;

    private final Map<String, LayerOutline> children = new LinkedHashMap<>();
    private final EnumMap<Verdict, Integer> counts = new EnumMap<>(Verdict.class);
    private TensorDiff tensor;

    private LayerOutline() {}

    static LayerOutline of(List<TensorDiff> tensors) {
        LayerOutline root = new LayerOutline();
        for (TensorDiff tensor : tensors) {
            LayerOutline node = root;
            node.counts.merge(tensor.verdict(), 1, Integer::sum);
            for (String part : Arrays.asList(tensor.name().split("\\.", DEEPEST))) {
                node = node.children.computeIfAbsent(part, any -> new LayerOutline());
                node.counts.merge(tensor.verdict(), 1, Integer::sum);
            }
            node.tensor = tensor;
        }
        return root;
    }

    void write(Html html) {
        html.open("ul", "class", "tree");
        children.forEach((part, child) -> child.write(html, part));
        html.closeLine();
    }

    private void write(Html html, String part) {
        html.open("li");
        if (children.isEmpty()) {
            leaf(html, part, tensor);
        } else {
            html.open("details", "open", has(Verdict.DEPARTED) ? "open" : null);
            html.open("summary").name(part).text(" ");
            for (Verdict verdict : List.of(Verdict.DEPARTED, Verdict.INHERITED, Verdict.SAME, Verdict.NOT_JUDGED)) {
                if (has(verdict)) {
                    mark(html, verdict, counts.get(verdict) + " " + verdict);
                    html.text(" ");
                }
            }
            html.close();
            html.open("ul");
            if (tensor != null) {
                html.open("li");
                leaf(html, part, tensor);
                html.close();
            }
            children.forEach((name, child) -> child.write(html, name));
            html.close().close();
        }
        html.closeLine();
    }

    private boolean has(Verdict verdict) {
        return counts.getOrDefault(verdict, 0) > 0;
    }

    private static void leaf(Html html, String part, TensorDiff tensor) {
        mark(html, tensor.verdict(), tensor.verdict().toString());
        html.text(" ");
        if (tensor.verdict() == Verdict.NOT_JUDGED) {
            html.name(part);
            return;
        }
        html.open("a", "href", "#" + TensorTable.anchor(tensor)).name(part).close();
        if (!Double.isNaN(tensor.relL2())) {
            html.element("span", " " + Numbers.error(tensor.relL2()), "class", "faint");
        }
    }

    /** A verdict in a word and a shape; its colour says the same again. */
    static void mark(Html html, Verdict verdict, String text) {
        html.open("span", "class", "mark " + verdict);
        String shape = switch (verdict) {
            case SAME -> "●";
            case DEPARTED -> "✖";
            case INHERITED -> "◆";
            case NOT_JUDGED -> "○";
        };
        html.element("span", shape, "aria-hidden", "true").element("span", " " + text, "class", "word");
        html.close();
    }
}
