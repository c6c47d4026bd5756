package org.luthier.model.basicpitch;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.IntToDoubleFunction;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.luthier.api.model.FrameModel;

/** Inputs given by formula, and what the original makes of them: very short, silent, constant, quiet, extreme, at window borders. */
class EdgeCasesTest {
    private static final double RATE = 22050;

    private static IntToDoubleFunction sine(double frequency, double amplitude) {
        return n -> amplitude * Math.sin(2 * Math.PI * frequency * n / RATE);
    }

    private static Map<String, IntToDoubleFunction> formulas() {
        Map<String, IntToDoubleFunction> formulas = new TreeMap<>();
        for (int samples : new int[] {1, 254, 255, 256, 2000, 32323, 32324, 32325, 36164, 43844}) {
            formulas.put("sine440_" + samples, sine(440, 0.5));
        }
        formulas.put("silence_3s", n -> 0);
        formulas.put("dc_2s", n -> 0.25);
        formulas.put("quiet_sine_1e-6_2s", sine(440, 1e-6));
        formulas.put("sine440_2s", sine(440, 0.5));
        formulas.put("sine27_5_3s", sine(27.5, 0.5));
        formulas.put("sine4186_2s", sine(4186, 0.5));
        formulas.put("sine_bend_2s", null);
        formulas.put("sine_then_silence_4s", n -> n < 44100 ? sine(440, 0.5).applyAsDouble(n) : 0);
        return formulas;
    }

    private static float[] samples(String name, IntToDoubleFunction formula, int length) {
        float[] samples = new float[length];
        double phase = 0;
        for (int n = 0; n < length; n++) {
            if (formula == null) {
                phase += 440 * Math.pow(2, 0.8 * Math.sin(2 * Math.PI * n / RATE) / 12);
                samples[n] = (float) (0.5 * Math.sin(2 * Math.PI * phase / RATE));
            } else {
                samples[n] = (float) formula.applyAsDouble(n);
            }
        }
        return samples;
    }

    @Test
    void everyCaseHasTheOriginalsPosteriorgrams() throws IOException {
        Assumptions.assumeTrue(Goldens.hasReference(), "no reference goldens beside the checkout");
        JsonNode cases = new ObjectMapper()
                .readTree(Goldens.REFERENCE.resolve("edge_cases.json").toFile());
        Map<String, IntToDoubleFunction> formulas = formulas();
        Set<String> names = new TreeSet<>();
        cases.fieldNames().forEachRemaining(names::add);
        assertEquals(names, formulas.keySet());
        try (FrameModel model = Goldens.model("cpu")) {
            for (String name : names) {
                JsonNode expected = cases.get(name);
                float[] samples = samples(
                        name, formulas.get(name), expected.get("n_samples").asInt());
                assertEquals(
                        expected.get("n_windows").asInt(),
                        model.frontend().framing().segments(samples.length),
                        name);
                // Where the original fails for want of a frame there is none.
                assertEquals(expected.path("n_frames").asInt(0), model.joining().frames(samples.length), name);
                if (expected.has("stats")) {
                    check(name, expected.get("stats"), model, Goldens.transcribe(model, samples, 2));
                }
            }
        }
    }

    private static void check(String name, JsonNode stats, FrameModel model, float[][] joined) {
        for (int o = 0; o < joined.length; o++) {
            JsonNode want = stats.get(model.layout().outputs().get(o).name());
            double min = Double.POSITIVE_INFINITY;
            double max = Double.NEGATIVE_INFINITY;
            double sum = 0;
            for (float value : joined[o]) {
                min = Math.min(min, value);
                max = Math.max(max, value);
                sum += value;
            }
            String what = name + ", " + model.layout().outputs().get(o).name();
            // The gates of the reference description: 2e-3 for a value, 2e-5 for the mean.
            assertEquals(want.get("min").asDouble(), min, 2e-3, what);
            assertEquals(want.get("max").asDouble(), max, 2e-3, what);
            assertEquals(want.get("sum").asDouble() / joined[o].length, sum / joined[o].length, 2e-5, what);
        }
    }
}
