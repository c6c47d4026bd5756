package org.luthier.debug.cause;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A likely cause of a departure, found by computing the tensor again with one thing changed.
 *
 * @param cause what is wrong, in one line
 * @param layer the tensor whose computation is wrong: the departing one, or one on the way to it that the reference has not recorded
 * @param before error of the departing tensor: norm of the difference over the reference's norm
 * @param after the same with the cause undone; of what cannot be undone, as the noise of a weight, the same as before
 * @param advice what to try, in one line
 */
public record Cause(String cause, String layer, double before, double after, String advice) {
    /** For JSON: {@code {"cause", "layer", "before", "after", "try"}}, null for a number that is not one. */
    public Map<String, Object> asMap() {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("cause", cause);
        map.put("layer", layer);
        map.put("before", Double.isFinite(before) ? before : null);
        map.put("after", Double.isFinite(after) ? after : null);
        map.put("try", advice);
        return map;
    }
}
