package org.luthier.debug.html;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.luthier.debug.Reference;
import org.luthier.debug.TensorDiff;
import org.luthier.debug.TraceDiff;
import org.luthier.debug.Verdict;
import org.luthier.debug.cause.Cause;
import org.luthier.files.AtomicFile;

/**
 * A comparison as one page for a browser: what departs and why, the layers, the errors of every tensor over its positions, the values
 * and pictures of what departs, the features and the notes of both sides.
 *
 * <p>The page is one file: no script, no font, no picture from elsewhere, and it forbids itself to load any. It is smaller than {@link
 * #MOST_BYTES}, whatever was compared, and the same comparison gives the same bytes.
 */
public final class DiffPage {
    /** No page is larger. */
    public static final int MOST_BYTES = 2_000_000;

    private static final String POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";
    /** Tensors of which a page tells; fewer if it would grow too large. */
    private static final int MOST_TENSORS = 800;
    /** Tensors that are shown with their values. */
    private static final int MOST_SHOWN = 8;

    private static final int MOST_FAULTS = 20;
    private static final int MOST_NOTES = 40;
    private static final int MOST_NAMES = 12;

    private final TraceDiff diff;
    private final Sides sides;
    private final Rolls rolls;

    private DiffPage(TraceDiff diff, Sides sides, Rolls rolls) {
        this.diff = diff;
        this.sides = sides;
        this.rolls = rolls;
    }

    /**
     * A page.
     *
     * @param diff what was found
     * @param trace the compared tensors; of those that it lacks only the numbers of {@code diff} are shown. Stays open until the page is
     *     written
     * @param reference likewise
     * @param rolls the notes of both sides, or {@link Rolls#NONE}
     */
    public static DiffPage of(TraceDiff diff, Reference trace, Reference reference, Rolls rolls) {
        return new DiffPage(diff, new Sides(trace, reference), rolls);
    }

    /**
     * Writes the page, whole or not at all.
     *
     * @param overwrite whether an existing file may be replaced
     * @throws org.luthier.api.LuthierException if it cannot be written, or a tensor cannot be read
     */
    public void write(Path target, boolean overwrite) {
        AtomicFile.check(target, overwrite);
        byte[] page = bytes();
        AtomicFile.write(target, overwrite, out -> out.write(page));
    }

    private byte[] bytes() {
        int most = MOST_TENSORS;
        byte[] page = page(most);
        while (page.length > MOST_BYTES && most > 0) {
            most /= 2;
            page = page(most);
        }
        return page;
    }

    private byte[] page(int most) {
        Html html = new Html();
        html.open("html", "lang", "en").open("head");
        html.empty("meta", "charset", "utf-8");
        html.empty("meta", "http-equiv", "Content-Security-Policy", "content", POLICY);
        html.empty("meta", "name", "viewport", "content", "width=device-width, initial-scale=1");
        html.empty("meta", "name", "color-scheme", "content", "light dark");
        html.element("title", (diff.clean() ? "Clean: " : "Departed: ") + Numbers.name(diff.trace()));
        html.style(css()).closeLine();
        html.open("body");
        html.element("a", "Skip to the tensors", "href", "#tensors", "class", "skip");
        header(html);
        html.open("main");
        faults(html);
        causes(html);
        remarks(html);
        Values values = new Values(diff, sides);
        if (!diff.clean()) {
            values.write(html, Math.min(most, MOST_SHOWN));
        }
        new Features(diff, sides).write(html, rolls.isEmpty());
        roll(html);
        layers(html, most);
        tensors(html, most);
        if (diff.clean()) {
            values.write(html, 1);
        }
        html.closeLine();
        html.open("footer").element("p", "Written by Luthier. Nothing on this page was loaded from elsewhere.");
        html.closeLine();
        html.closeLine().closeLine();
        return html.toString().getBytes(StandardCharsets.UTF_8);
    }

    private static String css() {
        try (InputStream in = DiffPage.class.getResourceAsStream("page.css")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private List<TensorDiff> of(Verdict verdict) {
        return diff.tensors().stream()
                .filter(tensor -> tensor.verdict() == verdict)
                .toList();
    }

    private void header(Html html) {
        boolean clean = diff.clean();
        List<TensorDiff> departed = of(Verdict.DEPARTED);
        html.open("header", "class", clean ? "clean" : "found");
        html.element("p", "Luthier layer diff", "class", "overline");
        html.open("h1");
        html.element("span", clean ? "✔" : "✖", "aria-hidden", "true", "class", "sign")
                .text(" ");
        if (clean) {
            html.text("Clean: nothing departs");
        } else {
            html.text(departed.size() == 1 ? "First departure: " : departed.size() + " departures, the first: ");
            html.name(departed.get(0).name());
        }
        html.close();
        html.open("p", "class", "sides").name(diff.trace()).text(" against ");
        html.name(diff.reference()).close();
        html.open("dl", "class", "tiles");
        tile(html, "agree", Integer.toString(of(Verdict.SAME).size()), "same");
        tile(html, "departed", Integer.toString(departed.size()), "departed");
        tile(html, "inherit it", Integer.toString(of(Verdict.INHERITED).size()), "inherited");
        tile(html, "not judged", Integer.toString(of(Verdict.NOT_JUDGED).size()), "not-judged");
        double worst = diff.tensors().stream()
                .mapToDouble(TensorDiff::relL2)
                .filter(error -> !Double.isNaN(error))
                .max()
                .orElse(Double.NaN);
        tile(html, "largest relative error", Numbers.format("%.1e", worst), "largest");
        html.close();
        html.open("div", "class", "runs");
        run(html, "Trace", sides.trace().header());
        run(html, "Reference", sides.reference().header());
        html.close();
        html.open("nav", "aria-label", "Parts of this page");
        html.element("a", "Layers", "href", "#layers")
                .element("a", "Tensors and heat map", "href", "#tensors")
                .close();
        html.closeLine();
    }

    private static void tile(Html html, String label, String value, String style) {
        html.open("div", "class", "tile " + style)
                .element("dt", label)
                .element("dd", value)
                .close();
    }

    private static void run(Html html, String side, Reference.Header run) {
        String segments = run.segments().stream().limit(8).map(String::valueOf).collect(Collectors.joining(", "))
                + (run.segments().size() > 8 ? ", …" : "");
        html.open("p").element("b", side).text(": ");
        html.text(Numbers.name(run.model()) + ", by " + Numbers.name(run.framework()) + " in "
                + Numbers.name(run.dtype()));
        html.text(segments.isEmpty() ? "" : ", " + (run.segments().size() == 1 ? "segment " : "segments ") + segments);
        html.close();
    }

    private void faults(Html html) {
        List<TensorDiff> departed = of(Verdict.DEPARTED);
        if (departed.isEmpty()) {
            return;
        }
        html.open("section", "aria-labelledby", "departed");
        html.element("h2", departed.size() == 1 ? "What departs" : "What departs by itself", "id", "departed");
        html.open("div", "class", "scroll", "role", "region", "tabindex", "0", "aria-labelledby", "departed");
        html.open("table", "class", "numbers").open("thead").open("tr");
        boolean notes = departed.stream().anyMatch(tensor -> tensor.note() != null);
        for (String heading : List.of("tensor", "first at", "max abs", "rel L2", "cosine", "ratio")) {
            html.element("th", heading, "scope", "col");
        }
        if (notes) {
            html.element("th", "remark", "scope", "col");
        }
        html.close().close().open("tbody");
        for (TensorDiff tensor : departed.subList(0, Math.min(MOST_FAULTS, departed.size()))) {
            html.open("tr").open("th", "scope", "row");
            html.open("a", "href", "#" + TensorTable.anchor(tensor));
            html.name(tensor.name()).close().close();
            html.element(
                    "td",
                    (tensor.firstIndex() == null ? "–" : tensor.firstIndex().toString())
                            + (tensor.step() < 0 ? "" : ", step " + tensor.step()));
            html.element("td", Numbers.format("%.2e", tensor.maxAbs()));
            html.element("td", Numbers.format("%.2e", tensor.relL2()));
            html.element("td", Numbers.format("%.6f", tensor.cosine()));
            html.element("td", Numbers.ratio(tensor.ratio()));
            if (notes) {
                html.element("td", Numbers.shortened(tensor.note() == null ? "" : tensor.note(), 200));
            }
            html.close();
        }
        html.close().close().close();
        if (departed.size() > MOST_FAULTS) {
            html.element("p", "and " + (departed.size() - MOST_FAULTS) + " more", "class", "faint");
        }
        html.closeLine();
    }

    private void causes(Html html) {
        List<Cause> causes = diff.causes();
        if (diff.clean() && causes.isEmpty()) {
            return;
        }
        html.open("section", "aria-labelledby", "causes").element("h2", "Likely causes", "id", "causes");
        if (causes.isEmpty()) {
            html.element("p", "No known cause fits.");
        } else {
            html.element(
                    "p",
                    "Each was tested on the tensor's own numbers: its relative error as it is, and with the cause undone.",
                    "class",
                    "faint");
            html.open("ol", "class", "causes");
            for (Cause cause : causes.subList(0, Math.min(MOST_FAULTS, causes.size()))) {
                html.open("li");
                html.open("p", "class", "cause").name(cause.layer()).text(": ");
                String told = Numbers.shortened(cause.cause(), 400);
                int colon = told.indexOf(':') < 0 ? told.length() : told.indexOf(':');
                html.element("b", told.substring(0, colon))
                        .text(told.substring(colon))
                        .close();
                html.open("dl", "class", "evidence");
                bar(html, "as it is", cause.before());
                bar(html, "undone", cause.after());
                html.close();
                html.open("p")
                        .element("b", "Try: ")
                        .text(Numbers.shortened(cause.advice(), 600))
                        .close();
                html.close();
            }
            html.close();
        }
        html.closeLine();
    }

    private void remarks(Html html) {
        if (diff.remarks().isEmpty()) {
            return;
        }
        html.open("section", "aria-labelledby", "remarks")
                .element("h2", "Remarks", "id", "remarks")
                .open("ul");
        for (String remark :
                diff.remarks().subList(0, Math.min(MOST_NOTES, diff.remarks().size()))) {
            html.element("li", Numbers.shortened(remark, 1000));
        }
        html.close().closeLine();
    }

    private static void bar(Html html, String label, double error) {
        String width = Double.isNaN(error) ? "0" : Long.toString(Math.round(100 * Palette.ofError(error)));
        html.open("div").element("dt", label).open("dd");
        html.open("span", "class", "bar", "aria-hidden", "true")
                .element("span", "", "style", "width:" + width + "%")
                .close();
        html.text(" " + Numbers.format("%.1e", error)).close().close();
    }

    private void roll(Html html) {
        if (rolls.isEmpty()) {
            return;
        }
        html.open("section", "aria-labelledby", "notes").element("h2", "Notes", "id", "notes");
        new RollPicture(rolls).write(html, rolls);
        html.closeLine();
    }

    private void layers(Html html, int most) {
        html.open("section", "aria-labelledby", "layers").element("h2", "Layers", "id", "layers");
        LayerOutline.of(diff.tensors().subList(0, Math.min(most, diff.tensors().size())))
                .write(html);
        more(html, diff.tensors().size(), most);
        html.closeLine();
    }

    private static void more(Html html, int count, int most) {
        if (count > most) {
            html.element(
                    "p",
                    "The first " + Numbers.count(most, "tensor", "tensors") + " of " + count
                            + "; the JSON of layer:diff has them all.",
                    "class",
                    "faint");
        }
    }

    private void tensors(Html html, int most) {
        List<TensorDiff> judged = diff.tensors().stream()
                .limit(most)
                .filter(tensor -> tensor.verdict() != Verdict.NOT_JUDGED || !Double.isNaN(tensor.maxAbs()))
                .toList();
        html.open("section", "aria-labelledby", "tensors", "class", "table");
        html.element("h2", "Tensors in order of execution", "id", "tensors");
        if (!diff.clean()) {
            html.open("p", "class", "filter").open("label");
            html.empty("input", "type", "checkbox", "id", "only").text(" only what does not agree");
            html.close().close();
        }
        new TensorTable(sides).write(html, judged);
        more(html, diff.tensors().size(), most);
        notJudged(html, most);
        html.closeLine();
    }

    private void notJudged(Html html, int most) {
        Map<String, List<String>> notes = new LinkedHashMap<>();
        for (TensorDiff tensor : of(Verdict.NOT_JUDGED)) {
            notes.computeIfAbsent(tensor.note() == null ? "" : tensor.note(), any -> new ArrayList<>())
                    .add(tensor.name());
        }
        if (notes.isEmpty()) {
            return;
        }
        html.open("details").element("summary", "Not judged, and why").open("ul");
        notes.entrySet().stream().limit(MOST_NOTES).forEach(note -> {
            html.open("li").element("b", Numbers.shortened(note.getKey(), 200)).text(": ");
            List<String> names = note.getValue();
            int shown = Math.min(Math.min(most, 10 * MOST_NAMES), names.size());
            for (int i = 0; i < shown; i++) {
                html.text(i == 0 ? "" : ", ").name(names.get(i));
            }
            html.text(names.size() > shown ? " and " + (names.size() - shown) + " more" : "")
                    .close();
        });
        html.close().closeLine();
    }
}
