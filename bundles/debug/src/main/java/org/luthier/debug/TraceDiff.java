package org.luthier.debug;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.luthier.api.LuthierException;
import org.luthier.debug.cause.Cause;
import org.luthier.files.text.TextTable;

/**
 * Where a run departs from a reference, in order of execution.
 *
 * @param trace what was compared
 * @param reference what it was compared with
 * @param tensors the reference's tensors in its order, then those that only the trace has
 * @param causes likely causes of the departures, as far as they were looked for
 * @param remarks what else is to be said, a line each
 */
public record TraceDiff(
        String trace, String reference, List<TensorDiff> tensors, List<Cause> causes, List<String> remarks) {
    private static final int WIDTH = 120;
    /** Names listed of those about which there is nothing to say but why; the JSON object has them all. */
    private static final int MOST_NAMES = 12;

    private static final int MOST_STEPS = 5;

    /** A ratio that would not fit its column. */
    private static final double TOO_LARGE = 1e4;

    /** Compares a trace with a reference, as {@link #compare(Reference, Reference, Thresholds, TensorGraph)} with what the files tell. */
    public static TraceDiff compare(Reference trace, Reference reference, Thresholds thresholds) {
        boolean told = trace.graph().isKnown();
        return compare(trace, reference, thresholds, told ? trace.graph() : reference.graph());
    }

    /**
     * Compares a trace with a reference.
     *
     * @param graph which tensors come from which
     * @throws LuthierException if they have no tensor in common, or belong to different models
     */
    public static TraceDiff compare(Reference trace, Reference reference, Thresholds thresholds, TensorGraph graph) {
        if (!trace.header().model().equals(reference.header().model())) {
            throw new LuthierException("cannot compare " + trace.title() + " of model family '"
                    + trace.header().model() + "' with " + reference.title() + " of model family '"
                    + reference.header().model() + "'");
        }
        List<TensorDiff> tensors = new ArrayList<>();
        OwnFeatures own = new OwnFeatures(trace.header().ownFeatures(), thresholds, graph);
        for (String name : reference.names()) {
            RecordedTensor expected = reference.tensor(name);
            if (trace.header().ownFeatures()) {
                // Noise is of runs on the same features.
                expected = expected.withoutNoise();
            }
            TensorComparison comparison = new TensorComparison(
                    expected, reference.header().segments(), own.limits(name), RoundingRange.of(name, trace, graph));
            if (trace.has(name)) {
                comparison.add(trace.tensor(name), trace.header().segments());
            }
            TensorDiff diff = comparison.result(tensors.size());
            own.judged(diff, expected.scale());
            tensors.add(diff);
        }
        for (String name : trace.names()) {
            if (!reference.has(name)) {
                tensors.add(TensorDiff.notJudged(
                        name, tensors.size(), trace.tensor(name).shape(), "not in the reference"));
            }
        }
        TraceDiff diff = of(trace.title(), reference.title(), tensors, graph);
        return own.remark() == null ? diff : diff.with(own.remark());
    }

    /** Decides which departures only inherit, and refuses a comparison of nothing. */
    static TraceDiff of(String trace, String reference, List<TensorDiff> tensors, TensorGraph graph) {
        refuseNothing(trace, reference, tensors);
        List<TensorDiff> judged = new ArrayList<>();
        List<String> departed = new ArrayList<>();
        for (TensorDiff tensor : tensors) {
            boolean outside = tensor.verdict() == Verdict.DEPARTED;
            judged.add(outside && graph.inherits(tensor.name(), departed) ? tensor.with(Verdict.INHERITED) : tensor);
            if (outside) {
                departed.add(tensor.name());
            }
        }
        return new TraceDiff(trace, reference, List.copyOf(judged), List.of(), List.of());
    }

    /** Of tensors of which none inherits anything. */
    static TraceDiff isolated(String reference, List<TensorDiff> tensors) {
        String trace = "this run";
        refuseNothing(trace, reference, tensors);
        return new TraceDiff(trace, reference, List.copyOf(tensors), List.of(), List.of());
    }

    private static void refuseNothing(String trace, String reference, List<TensorDiff> tensors) {
        if (tensors.stream().allMatch(tensor -> tensor.verdict() == Verdict.NOT_JUDGED)) {
            throw new LuthierException("nothing to compare in " + trace + " and " + reference + ": "
                    + tensors.stream()
                            .limit(3)
                            .map(tensor -> tensor.name() + " (" + tensor.note() + ")")
                            .collect(Collectors.joining(", "))
                    + "; check the layers and segments of the trace");
        }
    }

    /** The same with causes. */
    public TraceDiff with(List<Cause> found) {
        return new TraceDiff(trace, reference, tensors, List.copyOf(found), remarks);
    }

    /** The same with one more row. */
    TraceDiff with(TensorDiff row) {
        List<TensorDiff> all = new ArrayList<>(tensors);
        all.add(row);
        return new TraceDiff(trace, reference, List.copyOf(all), causes, remarks);
    }

    /** The same with one more line. */
    public TraceDiff with(String remark) {
        List<String> all = new ArrayList<>(remarks);
        all.add(remark);
        return new TraceDiff(trace, reference, tensors, causes, List.copyOf(all));
    }

    /** Names of the tensors that depart and do not merely inherit it. */
    public List<String> departed() {
        return tensors.stream()
                .filter(tensor -> tensor.verdict() == Verdict.DEPARTED)
                .map(TensorDiff::name)
                .toList();
    }

    /** Whether nothing departs. */
    public boolean clean() {
        return first() == null;
    }

    /** Canonical name of the first tensor that departs, or null. */
    public String first() {
        return departed().stream().findFirst().orElse(null);
    }

    /**
     * A decoding step at which something departs.
     *
     * @param step from 0
     * @param first the first tensor, in order of execution, that has a value outside its limit there
     * @param tensors how many have
     */
    public record Step(int step, String first, long tensors) {
        private Map<String, Object> asMap() {
            Map<String, Object> map = new LinkedHashMap<>();
            map.put("step", step);
            map.put("first", first);
            map.put("tensors", tensors);
            return map;
        }
    }

    /** The decoding steps at which something departs. */
    public List<Step> steps() {
        int most = tensors.stream()
                .mapToInt(tensor -> tensor.stepErrors().size())
                .max()
                .orElse(0);
        List<Step> steps = new ArrayList<>();
        for (int step = 0; step < most; step++) {
            int at = step;
            List<TensorDiff> outside =
                    tensors.stream().filter(tensor -> tensor.departsAt(at)).toList();
            if (!outside.isEmpty()) {
                steps.add(new Step(step, outside.get(0).name(), outside.size()));
            }
        }
        return steps;
    }

    /** The object that {@code layer:diff --json} prints; {@code steps} and {@code remarks} only where there are some. */
    public Map<String, Object> asMap() {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("clean", clean());
        map.put("first", first());
        map.put("tensors", tensors.stream().map(TensorDiff::asMap).toList());
        map.put("causes", causes.stream().map(Cause::asMap).toList());
        List<Step> steps = steps();
        if (!steps.isEmpty()) {
            map.put("steps", steps.stream().map(Step::asMap).toList());
        }
        if (!remarks.isEmpty()) {
            map.put("remarks", remarks);
        }
        return map;
    }

    /** A readable table of what was judged, why the rest was not, and a summary. */
    public String table() {
        TextTable table = new TextTable(
                ">#", "tensor", "shape", ">max abs", ">rel L2", ">cosine", ">ratio", ">arg-max", "verdict");
        Map<String, List<String>> notes = new LinkedHashMap<>();
        for (TensorDiff tensor : tensors) {
            if (tensor.note() != null) {
                boolean missing = tensor.note().startsWith(IsolatingProbe.MISSING);
                notes.computeIfAbsent(missing ? "input not recorded" : tensor.note(), any -> new ArrayList<>())
                        .add(tensor.name());
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
        appendSteps(text);
        text.append(summary()).append('\n');
        for (Cause cause : causes) {
            text.append(String.format(
                    Locale.ROOT,
                    "likely cause: %s: %s (error %.1e%s); try: %s%n",
                    cause.layer(),
                    cause.cause(),
                    cause.before(),
                    // What a weight shows by itself cannot be undone.
                    cause.after() < cause.before()
                            ? String.format(Locale.ROOT, " -> %.1e when undone", cause.after())
                            : "",
                    cause.advice()));
        }
        remarks.forEach(remark -> text.append(remark).append('\n'));
        return text.toString();
    }

    /** Steps in a row that begin to depart at the same tensor are one entry. */
    private void appendSteps(StringBuilder text) {
        List<Step> steps = steps();
        List<String> entries = new ArrayList<>();
        for (int from = 0, to; from < steps.size(); from = to) {
            Step first = steps.get(from);
            to = from + 1;
            while (to < steps.size()
                    && steps.get(to).step() == first.step() + to - from
                    && steps.get(to).first().equals(first.first())) {
                to++;
            }
            entries.add(first.step()
                    + (to == from + 1 ? "" : " to " + steps.get(to - 1).step()) + " from " + first.first() + " on");
        }
        if (!entries.isEmpty()) {
            text.append("steps that depart: ")
                    .append(String.join(", ", entries.subList(0, Math.min(MOST_STEPS, entries.size()))))
                    .append(entries.size() > MOST_STEPS ? " and more\n" : "\n");
        }
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
                + others()
                + "; " + same + " tensors agree, " + count(Verdict.INHERITED) + " inherit it, "
                + count(Verdict.NOT_JUDGED)
                + " not judged";
    }

    /** What departs by itself too. */
    private String others() {
        List<String> others = departed().subList(1, departed().size());
        return others.isEmpty()
                ? ""
                : "; also " + String.join(", ", others.subList(0, Math.min(MOST_NAMES, others.size())))
                        + (others.size() > MOST_NAMES ? " and " + (others.size() - MOST_NAMES) + " more" : "");
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
