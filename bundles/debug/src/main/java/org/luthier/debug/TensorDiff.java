package org.luthier.debug;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How one tensor of a trace differs from the reference's. Numbers are NaN, and lists null, where there is nothing to say.
 *
 * @param name canonical name
 * @param order place in the order of execution, from 0
 * @param shape shape in the reference, as stored
 * @param maxAbs largest difference
 * @param relL2 norm of the difference, relative to the reference's norm
 * @param cosine cosine of the angle between the two, blind to scale
 * @param ratio norm of the trace's tensor over the reference's
 * @param argmax share of the rows along the last dimension whose largest value stands at the same place; of ids nothing
 * @param firstIndex index, in the whole tensor, of the first value outside the limit, or of the worst one where only the norm is outside;
 *     null if nothing departs
 * @param step decoding step of that value, or -1 outside a decoder
 * @param verdict what to make of it
 * @param note why it was not judged, or what else is wrong; null if nothing
 * @param stepErrors for each decoding step the largest difference over the limit, so that above 1 it departs; empty outside a decoder
 */
public record TensorDiff(
        String name,
        int order,
        List<Integer> shape,
        double maxAbs,
        double relL2,
        double cosine,
        double ratio,
        double argmax,
        List<Integer> firstIndex,
        int step,
        Verdict verdict,
        String note,
        List<Double> stepErrors) {
    static TensorDiff notJudged(String name, int order, List<Integer> shape, String note) {
        return of(name, order, shape, Verdict.NOT_JUDGED, note);
    }

    static TensorDiff of(String name, int order, List<Integer> shape, Verdict verdict, String note) {
        double none = Double.NaN;
        return new TensorDiff(name, order, shape, none, none, none, none, none, null, -1, verdict, note, List.of());
    }

    TensorDiff with(Verdict other) {
        return with(other, note);
    }

    TensorDiff with(Verdict other, String why) {
        return new TensorDiff(
                name, order, shape, maxAbs, relL2, cosine, ratio, argmax, firstIndex, step, other, why, stepErrors);
    }

    /** Whether a value of a decoding step is outside the limit. */
    boolean departsAt(int step) {
        return step < stepErrors.size() && stepErrors.get(step) > 1;
    }

    /** For JSON: the fields under their names, null for what is not known, {@code note} only where there is one. */
    public Map<String, Object> asMap() {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("name", name);
        map.put("order", order);
        map.put("shape", shape);
        map.put("maxAbs", number(maxAbs));
        map.put("relL2", number(relL2));
        map.put("cosine", number(cosine));
        map.put("ratio", number(ratio));
        map.put("argmax", number(argmax));
        map.put("firstIndex", firstIndex);
        map.put("step", step < 0 ? null : step);
        map.put("verdict", verdict.toString());
        if (note != null) {
            map.put("note", note);
        }
        return map;
    }

    private static Double number(double value) {
        return Double.isFinite(value) ? value : null;
    }
}
