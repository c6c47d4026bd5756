package org.luthier.shell;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import org.luthier.evaluation.Prf;
import org.luthier.evaluation.Scores;

/** Scores as tables show them. */
final class ScoreRows {
    private ScoreRows() {}

    /** The scores by what tables call them; null where the reference has no such notes. */
    static Map<String, Prf> of(Scores scores) {
        Map<String, Prf> rows = new LinkedHashMap<>();
        rows.put("onset", scores.onset());
        rows.put("onset + offset", scores.onsetOffset());
        rows.put("frame", scores.frame());
        rows.put("instruments, full", scores.multiFull());
        rows.put("instruments, class", scores.multiClass());
        rows.put("instruments, flat", scores.multiFlat());
        rows.put("drums", scores.drum());
        return rows;
    }

    /** One figure of a score, or a dash. */
    static String figure(Prf score, ToDoubleFunction<Prf> share) {
        return score == null ? "-" : String.format(Locale.ROOT, "%.4f", share.applyAsDouble(score));
    }
}
