package org.luthier.model.yourmt3;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.api.model.Session;
import org.luthier.nn.HostFloats;
import org.luthier.nn.Kernels;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Segments and channels of whole models do not see each other, whatever the parts and whichever rows are left. */
class SessionTest {
    private static final int SEGMENTS = 3;
    private static final int STEPS = 5;

    static Stream<String> models() {
        return SmallModels.all().keySet().stream();
    }

    /** Logits [rows, ids] of the last of some steps of some segments; before it only some rows are left. */
    private static float[] logits(YourMt3Model model, float[] features, int first, int segments, int[] kept) {
        int frames = Math.toIntExact(model.frontend().featureShape().get(0));
        int bands = Math.toIntExact(model.frontend().featureShape().get(1));
        int size = frames * bands;
        int channels = model.layout().channels();
        try (Session session = model.open(segments, Probe.NONE);
                INDArray x = Nd4j.create(
                        Arrays.copyOfRange(features, first * size, (first + segments) * size),
                        new long[] {segments, frames, bands},
                        'c')) {
            session.begin(x, Position.segments(first, segments));
            int[] rows = IntStream.range(0, segments * channels).toArray();
            for (int step = 0; step < STEPS; step++) {
                if (step == STEPS - 2) {
                    session.retain(kept);
                    rows = kept;
                }
                int at = step;
                // Other ids in each row, the same for a segment wherever it stands.
                int[] ids = IntStream.of(rows)
                        .map(row -> (7 * (first * channels + row) + 3 * at) % 500)
                        .toArray();
                session.step(ids, null);
            }
            assertEquals(kept.length, session.rows());
            return HostFloats.copy(session.logits());
        }
    }

    @ParameterizedTest
    @MethodSource("models")
    void aRowIsTheSameAmongOthersAndAlone(String name) {
        YourMt3Configuration configuration = SmallModels.all().get(name);
        int channels = configuration.channels();
        int size = configuration.audio().frames() * configuration.audio().bands();
        float[] features = SeededWeights.numbers(new Random(2), SEGMENTS * size);
        int[] all = IntStream.range(0, SEGMENTS * channels).toArray();
        try (YourMt3Model model = SmallModels.load(configuration, Kernels.named("cpu"))) {
            float[] together = logits(model, features, 0, SEGMENTS, all);
            for (int segment = 0; segment < SEGMENTS; segment++) {
                int last = channels - 1;
                float[] alone = logits(model, features, segment, 1, new int[] {last});
                int row = segment * channels + last;
                float[] own = Arrays.copyOfRange(together, row * alone.length, (row + 1) * alone.length);
                float most = 0;
                for (float value : own) {
                    most = Math.max(most, Math.abs(value));
                }
                assertTrue(most > 0 && Float.isFinite(most));
                // Products of other sizes have their sums in another order.
                assertArrayEquals(alone, own, 1e-4f * most);
            }
            if (channels > 1) {
                float[] first = Arrays.copyOf(together, together.length / all.length);
                float[] second = Arrays.copyOfRange(together, first.length, 2 * first.length);
                assertTrue(Variant.distance(first, second) > 1e-3, "channels have their own latents");
            }
        }
    }
}
