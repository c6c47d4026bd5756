package org.luthier.debug.cause;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.luthier.api.model.Computation;

/** Faults of positions and of an embedding. */
class PositionCausesTest {
    private static final int POSITIONS = 40;
    private static final int WIDTH = 64;
    private static final int IDS = 200;
    private static final float[] X = Bench.random(1, POSITIONS * WIDTH, 0.5);
    private static final float[] TABLE = Bench.random(2, IDS * WIDTH, 0.5);

    /** How sinusoids may be made; the model's are {@code sines(1, false, 1, 0)}. */
    private static float[] sines(int less, boolean turns, double factor, int shift, double period) {
        float[] table = new float[POSITIONS * WIDTH];
        int half = WIDTH / 2;
        for (int p = 0; p < POSITIONS; p++) {
            for (int i = 0; i < half; i++) {
                double angle = (p + shift) / Math.pow(period, (double) i / (half - less));
                table[p * WIDTH + (turns ? 2 * i : i)] = (float) (factor * Math.sin(angle));
                table[p * WIDTH + (turns ? 2 * i + 1 : half + i)] = (float) (factor * Math.cos(angle));
            }
        }
        return table;
    }

    private static float[] right() {
        return sines(1, false, 1, 0, 10000);
    }

    private static float[] sum(float[] a, float[] b) {
        float[] y = a.clone();
        for (int i = 0; i < y.length; i++) {
            y[i] += b[i];
        }
        return y;
    }

    private static Cause found(String cause, float[] run, float[] reference) {
        return new Bench()
                .computation("y", Computation.POSITIONS, List.of("x"), Map.of(), Map.of("period", 10000.0))
                .given("x", X, 1, POSITIONS, WIDTH)
                .made("y", run, reference, 1, POSITIONS, WIDTH)
                .assertCause(cause, "y");
    }

    /** The fault of a well-known port, seen from both sides. */
    @Test
    void frequenciesByHalfOfTheWidthAreNamed() {
        float[] wrong = sum(X, sines(0, false, 1, 0, 10000));
        Cause ofRun = found("position frequencies i/32 for i/31", wrong, sum(X, right()));
        assertTrue(ofRun.advice().startsWith("divide i by half of the width less 1, 31: "), ofRun.advice());
        Cause ofReference = found("position frequencies i/31 for i/32", sum(X, right()), wrong);
        assertTrue(ofReference.cause().endsWith("the reference 10000^(-i/32)"), ofReference.cause());
        assertEquals("in the reference: " + ofRun.advice(), ofReference.advice());
    }

    @Test
    void otherFaultsAreNamed() {
        float[] good = sum(X, right());
        found("sin/cos interleaved", sum(X, sines(1, true, 1, 0, 10000)), good);
        found("sin/cos interleaved", sum(X, sines(0, true, 1, 0, 10000)), good);
        found("positions missing", X, good);
        found("positions doubled", sum(X, sines(1, false, 2, 0, 10000)), good);
        found("positions shifted", sum(X, sines(1, false, 1, 1, 10000)), good);
        found("position frequencies", sum(X, sines(1, false, 1, 0, 1000)), good);
        found("position does not advance", sum(X, Bench.from(right(), i -> i % WIDTH)), good);
        found("missing or doubled scale", sum(Bench.each(X, v -> v * 8), right()), good);
    }

    private static float[] rows(float[] table, float[] ids, int shift) {
        float[] y = new float[ids.length * WIDTH];
        for (int i = 0; i < y.length; i++) {
            y[i] = table[((int) ids[i / WIDTH] + shift) * WIDTH + i % WIDTH];
        }
        return y;
    }

    private static float[] ids() {
        Random random = new Random(4);
        float[] ids = new float[POSITIONS];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = 10 + random.nextInt(IDS - 120);
        }
        return ids;
    }

    private static Cause embedded(String cause, float[] run, float[] reference, float[] known) {
        return new Bench()
                .computation(
                        "y",
                        Computation.LOOKUP_AND_POSITIONS,
                        List.of("ids"),
                        Map.of("table", "table"),
                        Map.of("period", 10000.0))
                .projection("logits", "z", "logits.weight", "none")
                .given("ids", ids(), 1, POSITIONS)
                .weight("table", known, IDS, WIDTH)
                .weight("logits.weight", Bench.transposed(OUTPUT, IDS, WIDTH), WIDTH, IDS)
                .made("y", sum(run, right()), sum(reference, right()), 1, POSITIONS, WIDTH)
                .assertCause(cause, "y");
    }

    private static final float[] OUTPUT = Bench.random(3, IDS * WIDTH, 0.5);

    @Test
    void faultsOfTheTableAndTheIdsAreNamed() {
        float[] ids = ids();
        float[] good = rows(TABLE, ids, 0);
        embedded("rows shifted", rows(TABLE, ids, 3), good, TABLE);
        embedded("rows shifted", rows(TABLE, ids, 100), good, TABLE);
        // The table itself is shifted.
        float[] shifted = Bench.from(TABLE, i -> Math.floorMod(i - 3 * WIDTH, TABLE.length));
        embedded("rows shifted", rows(shifted, ids, 0), good, shifted);
        embedded("tied output", rows(OUTPUT, ids, 0), good, TABLE);
        embedded("missing or doubled scale", Bench.each(good, v -> v * Math.sqrt(WIDTH)), good, TABLE);
        float[] before = ids.clone();
        System.arraycopy(ids, 0, before, 1, ids.length - 1);
        embedded("ids shifted by one position", rows(TABLE, before, 0), good, TABLE);
    }

    @Test
    void theOracleAddsWhatIsLookedUpAndWhereItStands() {
        double error = new Bench()
                .computation(
                        "y",
                        Computation.LOOKUP_AND_POSITIONS,
                        List.of("ids"),
                        Map.of("table", "table"),
                        Map.of("period", 10000.0))
                .given("ids", ids(), 1, POSITIONS)
                .weight("table", TABLE, IDS, WIDTH)
                .run("y", sum(rows(TABLE, ids(), 0), right()), 1, POSITIONS, WIDTH)
                .oracleError("y");
        // Rounding of float32.
        assertEquals(0, error, 1e-6);
    }
}
