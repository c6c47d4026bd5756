package org.luthier.debug.doctor;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Something that is wrong, each field one line.
 *
 * @param stage where it was found
 * @param what is wrong
 * @param cause what it most likely comes from
 * @param evidence the numbers behind it
 * @param next the command to run next, as it is typed
 */
public record Finding(Stage stage, String what, String cause, String evidence, String next) {
    /** For JSON: the fields under their names. */
    public Map<String, Object> asMap() {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("stage", stage.toString());
        map.put("what", what);
        map.put("cause", cause);
        map.put("evidence", evidence);
        map.put("next", next);
        return map;
    }
}
