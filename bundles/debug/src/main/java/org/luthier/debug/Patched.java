package org.luthier.debug;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.luthier.files.text.TextTable;

/**
 * What became of a model's outputs when some of its tensors were replaced by a reference's.
 *
 * @param reference what they were taken from
 * @param replaced names of the tensors that were replaced, in order of execution; those that were found, if they were searched for
 * @param before the outputs against the reference's, with nothing replaced
 * @param after the same with the replacements
 * @param runs how often the model was run
 */
public record Patched(
        String reference, List<String> replaced, List<TensorDiff> before, List<TensorDiff> after, int runs) {
    /** Whether the outputs agree with the reference's after the replacement. */
    public boolean healed() {
        return agrees(after);
    }

    static boolean agrees(List<TensorDiff> outputs) {
        return outputs.stream().noneMatch(output -> output.verdict() == Verdict.DEPARTED);
    }

    /** The object that {@code layer:patch --json} prints. */
    public Map<String, Object> asMap() {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("healed", healed());
        map.put("replaced", replaced);
        map.put("runs", runs);
        map.put("before", before.stream().map(TensorDiff::asMap).toList());
        map.put("after", after.stream().map(TensorDiff::asMap).toList());
        return map;
    }

    /** A readable table of the outputs before and after, and what was replaced. */
    public String table() {
        TextTable table =
                new TextTable("output", "", ">max abs", ">rel L2", ">cosine", ">ratio", ">arg-max", "verdict");
        for (int i = 0; i < before.size(); i++) {
            row(table, before.get(i).name(), "before", before.get(i));
            row(table, "", "after", after.get(i));
        }
        List<String> lines = new ArrayList<>(List.of(table.toString()));
        if (!replaced.isEmpty()) {
            lines.add("replaced: " + String.join(", ", replaced));
        }
        lines.add(summary() + "; " + runs + (runs == 1 ? " run" : " runs"));
        return String.join("\n", lines) + "\n";
    }

    private String summary() {
        if (agrees(before)) {
            return "nothing to heal: the output agrees with " + reference;
        }
        boolean free = before.stream()
                .allMatch(output ->
                        output.verdict() != Verdict.DEPARTED || output.name().equals(Tracer.TOKENS));
        if (replaced.isEmpty() && free) {
            return "not healed: for the recorded ids the output agrees with " + reference
                    + ", and only the free run departs: compare a trace made with --cached with one without";
        }
        if (replaced.isEmpty()) {
            return "not healed: no tensors of " + reference + " were found that heal the output";
        }
        String tensors = replaced.size() + (replaced.size() == 1 ? " tensor" : " tensors");
        return (healed() ? "healed: the output agrees with " : "not healed: the output still departs from ") + reference
                + " when " + tensors + (replaced.size() == 1 ? " is replaced" : " are replaced");
    }

    private static void row(TextTable table, String name, String when, TensorDiff output) {
        table.row(
                name,
                when,
                number("%.1e", output.maxAbs()),
                number("%.1e", output.relL2()),
                number("%.6f", output.cosine()),
                number("%.4f", output.ratio()),
                number("%.3f", output.argmax()),
                output.verdict()
                        + (output.firstIndex() == null ? "" : " at " + output.firstIndex())
                        + (output.note() == null ? "" : ": " + output.note()));
    }

    private static String number(String format, double value) {
        return Double.isNaN(value) ? "-" : String.format(Locale.ROOT, format, value);
    }
}
