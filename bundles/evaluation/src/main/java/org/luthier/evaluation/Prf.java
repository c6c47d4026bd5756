package org.luthier.evaluation;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Precision, recall and their harmonic mean.
 *
 * @param precision share of the estimate that is right, 0..1; 0 where the estimate is empty
 * @param recall share of the reference that was found, 0..1
 * @param f1 {@code 2 * precision * recall / (precision + recall)}, 0 where both are 0
 */
public record Prf(double precision, double recall, double f1) {
    /** Of counts: how many were matched, of how many in the reference and in the estimate. */
    static Prf of(long matched, long reference, long estimate) {
        double precision = estimate == 0 ? 0 : (double) matched / estimate;
        double recall = reference == 0 ? 0 : (double) matched / reference;
        double sum = precision + recall;
        return new Prf(precision, recall, sum == 0 ? 0 : 2 * precision * recall / sum);
    }

    /** The three numbers by name, for JSON. */
    public Map<String, Object> asMap() {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("precision", precision);
        map.put("recall", recall);
        map.put("f1", f1);
        return map;
    }
}
