package org.luthier.debug;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.luthier.api.LuthierException;
import org.luthier.files.text.TextTable;

/**
 * Where a run departs from a reference, in order of execution.
 *
 * @param trace what was compared
 * @param reference what it was compared with
 * @param tensors the reference's tensors in its order, then those that only the trace has
 */
public record TraceDiff(String trace, String reference, List<TensorDiff> tensors) {
    private static final int WIDTH = 120;
    /** Names listed of those about which there is nothing to say but why; the JSON object has them all. */
    private static final int MOST_NAMES = 12;

    /** A ratio that would not fit its column. */
    private static final double TOO_LARGE = 1e4;

    /**
     * Compares a trace with a reference.
     *
     * @throws LuthierException if they have no tensor in common, or belong to different models
     */
    public static TraceDiff compare(Reference trace, Reference reference, Thresholds thresholds) {
        if (!trace.header().model().equals(reference.header().model())) {
            throw new LuthierException("cannot compare " + trace.title() + " of model family '"
                    + trace.header().model() + "' with " + reference.title() + " of model family '"
                    + reference.header().model() + "'");
        }
        List<TensorDiff> tensors = new ArrayList<>();
        for (String name : reference.names()) {
            RecordedTensor expected = reference.tensor(name);
            if (trace.header().ownFeatures()) {
                // Noise is of runs on the same features.
                expected = expected.withoutNoise();
            }
            TensorComparison comparison =
                    new TensorComparison(expected, reference.header().segments(), thresholds);
            if (trace.has(name)) {
                comparison.add(trace.tensor(name), trace.header().segments());
            }
            tensors.add(comparison.result(tensors.size()));
        }
        for (String name : trace.names()) {
            if (!reference.has(name)) {
                tensors.add(TensorDiff.notJudged(
                        name, tensors.size(), trace.tensor(name).shape(), "not in the reference"));
            }
        }
        return of(trace.title(), reference.title(), tensors);
    }

    /** Decides which departures only inherit, and refuses a comparison of nothing. */
    static TraceDiff of(String trace, String reference, List<TensorDiff> tensors) {
        if (tensors.stream().allMatch(tensor -> tensor.verdict() == Verdict.NOT_JUDGED)) {
            throw new LuthierException("nothing to compare in " + trace + " and " + reference + ": "
                    + tensors.stream()
                            .limit(3)
                            .map(tensor -> tensor.name() + " (" + tensor.note() + ")")
                            .collect(Collectors.joining(", "))
                    + "; check the layers and segments of the trace");
        }
        List<TensorDiff> judged = new ArrayList<>();
        boolean departed = false;
        for (TensorDiff tensor : tensors) {
            boolean outside = tensor.verdict() == Verdict.DEPARTED;
            judged.add(outside && departed ? tensor.with(Verdict.INHERITED) : tensor);
            departed |= outside;
        }
        return new TraceDiff(trace, reference, List.copyOf(judged));
    }

    /** Whether nothing departs. */
    public boolean clean() {
        return first() == null;
    }

    /** Canonical name of the first tensor that departs, or null. */
    public String first() {
        return tensors.stream()
                .filter(tensor -> tensor.verdict() == Verdict.DEPARTED)
                .map(TensorDiff::name)
                .findFirst()
                .orElse(null);
    }

    /** The object that {@code layer:diff --json} prints. */
    public Map<String, Object> asMap() {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("clean", clean());
        map.put("first", first());
        map.put("tensors", tensors.stream().map(TensorDiff::asMap).toList());
        map.put("causes", List.of());
        return map;
    }

    /** A readable table of what was judged, why the rest was not, and a summary. */
    public String table() {
        TextTable table = new TextTable(
                ">#", "tensor", "shape", ">max abs", ">rel L2", ">cosine", ">ratio", ">arg-max", "verdict");
        Map<String, List<String>> notes = new LinkedHashMap<>();
        for (TensorDiff tensor : tensors) {
            if (tensor.note() != null) {
                notes.computeIfAbsent(tensor.note(), any -> new ArrayList<>()).add(tensor.name());
            }
            if (tensor.verdict() != Verdict.NOT_JUDGED) {
                table.row(
                        Integer.toString(tensor.order()),
                        tensor.name(),
                        tensor.shape().toString().replace(" ", ""),
                        number("%.1e", tensor.maxAbs()),
                        number("%.1e", tensor.relL2()),
                        number("%.6f", tensor.cosine()),
                        number("%.4f", tensor.ratio()),
                        number("%.3f", tensor.argmax()),
                        tensor.verdict().toString());
            }
        }
        StringBuilder text = new StringBuilder(table + "\n");
        notes.forEach((note, names) -> appendNote(text, note, names));
        return text.append(summary()).append('\n').toString();
    }

    private static void appendNote(StringBuilder text, String note, List<String> names) {
        StringBuilder line = new StringBuilder(note).append(':');
        List<String> shown = new ArrayList<>(names.subList(0, Math.min(MOST_NAMES, names.size())));
        if (names.size() > MOST_NAMES) {
            shown.add("and " + (names.size() - MOST_NAMES) + " more");
        }
        for (String name : shown) {
            if (line.length() + name.length() + 2 > WIDTH) {
                text.append(line).append('\n');
                line = new StringBuilder("   ");
            }
            line.append(' ').append(name);
        }
        text.append(line).append('\n');
    }

    private String summary() {
        long same = count(Verdict.SAME);
        if (clean()) {
            return "clean: " + same + " tensors agree, " + count(Verdict.NOT_JUDGED) + " not judged";
        }
        TensorDiff first = tensors.stream()
                .filter(tensor -> tensor.verdict() == Verdict.DEPARTED)
                .findFirst()
                .orElseThrow();
        return "first departure: " + first.name()
                + (first.firstIndex() == null ? "" : " at " + first.firstIndex())
                + (first.step() < 0 ? "" : ", step " + first.step())
                + "; " + same + " tensors agree, " + count(Verdict.INHERITED) + " inherit it, "
                + count(Verdict.NOT_JUDGED)
                + " not judged";
    }

    private long count(Verdict verdict) {
        return tensors.stream().filter(tensor -> tensor.verdict() == verdict).count();
    }

    private static String number(String format, double value) {
        if (Double.isNaN(value)) {
            return "-";
        }
        return String.format(Locale.ROOT, Math.abs(value) < TOO_LARGE ? format : "%.1e", value);
    }
}
