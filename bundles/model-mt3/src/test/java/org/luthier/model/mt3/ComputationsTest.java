package org.luthier.model.mt3;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.luthier.api.model.Computation;
import org.luthier.api.model.Frontend;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.api.model.Session;
import org.luthier.nn.HostFloats;
import org.luthier.nn.Kernels;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** The layers of a small MT3 tell what they do: from the samples and the ids to the logits. */
class ComputationsTest {
    private static final Set<String> GIVEN = Set.of("frontend.in", "decoder.input_ids");

    /** Made from the tensor behind it, but told as made from what that comes from. */
    private static final String TOLD_FROM_FARTHER = "decoder.embedded";

    private static final String NEARER = "decoder.token_embedding";

    private static final Predicate<String> ALL = name -> true;
    private static final String END = "decoder.logits";

    private static Map<String, Mt3Model> models;
    private static List<Layer> layers;

    @BeforeAll
    static void load() {
        models = Kernels.IDS.stream().collect(Collectors.toMap(id -> id, TinyModelTest::load));
        layers = layers(models.get("plain").root());
    }

    @AfterAll
    static void close() {
        models.values().forEach(Mt3Model::close);
    }

    static List<String> kernels() {
        return Kernels.IDS;
    }

    private static List<Layer> layers(Layer root) {
        List<Layer> layers = new ArrayList<>(List.of(root));
        root.children().forEach(child -> layers.addAll(layers(child)));
        return layers;
    }

    private static List<Computation> computations() {
        return layers.stream().flatMap(layer -> layer.computations().stream()).toList();
    }

    /** Keeps what a run makes of each tensor, and then puts, where there is one, another in its place. */
    private record Isolation(Predicate<String> wanted, Map<String, float[]> made, Map<String, float[]> instead)
            implements Probe {
        @Override
        public boolean wants(String name) {
            return wanted.test(name);
        }

        @Override
        public void tap(String name, Position at, INDArray tensor) {
            String place = name + " " + at.step();
            made.put(place, HostFloats.copy(tensor));
            if (instead.containsKey(place)) {
                HostFloats.write(instead.get(place), tensor);
            }
        }
    }

    private static String name(String place) {
        return place.substring(0, place.indexOf(' '));
    }

    /** One segment, three ids at once and one more; what was given included. */
    private static Map<String, float[]> run(Mt3Model model, Predicate<String> wanted, Map<String, float[]> instead) {
        Isolation probe = new Isolation(wanted, new LinkedHashMap<>(), instead);
        Position at = Position.segments(0, 1);
        int window = model.frontend().framing().window();
        float[] samples = new float[window];
        Random random = new Random(1);
        for (int i = 0; i < window; i++) {
            samples[i] = (float) random.nextGaussian();
        }
        try (INDArray sound = Nd4j.create(samples, new long[] {1, window}, 'c');
                INDArray fed = Nd4j.create(new float[] {0, 7, 12, 30}, new long[] {1, 4}, 'c');
                Frontend.Session frontend = model.frontend().open(1);
                Session session = model.open(1, probe)) {
            probe.tap("frontend.in", at, sound);
            probe.tap("decoder.input_ids", at, fed);
            session.begin(frontend.features(sound, new int[] {window}, at, probe), at);
            int[] ids = fed.toIntVector();
            session.prefill(List.of(IntLists.immutable.of(Arrays.copyOf(ids, 3))));
            session.step(new int[] {ids[3]}, null);
        }
        return probe.made();
    }

    private static float[] disturbed(String name, float[] values) {
        float[] others = new float[values.length];
        for (int i = 0; i < values.length; i++) {
            if (name.equals("decoder.input_ids")) {
                others[i] = values[i] + 1;
            } else { // a masked score stays one
                others[i] = values[i] > -1e9f ? values[i] * (1 + i % 3) + 0.01f * (i % 2) : values[i];
            }
        }
        return others;
    }

    @Test
    void everyTapOfEveryLayerIsToldOnce() {
        for (Layer layer : layers) {
            assertEquals(
                    layer.taps(),
                    layer.computations().stream().map(Computation::output).toList(),
                    layer.name());
        }
    }

    @Test
    void whatATensorIsMadeFromIsThereBefore() {
        Set<String> seen = new LinkedHashSet<>();
        for (String place : run(models.get("plain"), ALL, Map.of()).keySet()) {
            String name = name(place);
            if (seen.add(name) && !GIVEN.contains(name)) {
                Computation computation = computations().stream()
                        .filter(each -> each.output().equals(name))
                        .findFirst()
                        .orElseThrow();
                assertTrue(seen.containsAll(computation.inputs()), computation + " after " + seen);
            }
        }
    }

    @Test
    void everyWeightIsUsedInARoleOfItsShape() {
        Map<String, Layer.Weight> weights = layers.stream()
                .flatMap(layer -> layer.weights().stream())
                .collect(Collectors.toMap(Layer.Weight::name, weight -> weight));
        Set<String> used = new HashSet<>();
        for (Computation computation : computations()) {
            computation.weights().forEach((role, name) -> {
                used.add(name);
                assertEquals(
                        role.equals("scale") ? 1 : 2, weights.get(name).shape().size(), computation.toString());
            });
        }
        assertEquals(weights.keySet(), used);
    }

    @Test
    void everySettingOfAWordIsGiven() {
        Map<String, Set<String>> expected = Map.ofEntries(
                Map.entry(Computation.PROJECTION, Set.of("activation")),
                Map.entry(Computation.RMS_NORM, Set.of("epsilon")),
                Map.entry(Computation.LOOKUP, Set.of()),
                Map.entry(Computation.LOOKUP_AND_POSITIONS, Set.of("period")),
                Map.entry(Computation.POSITIONS, Set.of("period")),
                Map.entry(Computation.SUM, Set.of()),
                Map.entry(Computation.PRODUCT, Set.of()),
                Map.entry(Computation.SCORES, Set.of("heads", "factor", "causal")),
                Map.entry(Computation.SOFTMAX, Set.of()),
                Map.entry(Computation.MIXTURE, Set.of("heads")),
                Map.entry(Computation.MAGNITUDES, Set.of("sampleRate", "window", "hop", "fft")),
                Map.entry(Computation.MEL_BANDS, Set.of("sampleRate", "bands", "low", "high")),
                Map.entry(Computation.LOGARITHM, Set.of("floor")));
        for (Computation computation : computations()) {
            assertEquals(
                    expected.get(computation.operation()),
                    computation.settings().keySet(),
                    computation.toString());
        }
    }

    /**
     * Every tensor is put back to what it was before the next is made, but one that is another: then exactly those change that are told
     * to be made from it. No copy taken before the probe saw it is used, and nothing else is looked at.
     */
    @ParameterizedTest
    @MethodSource("kernels")
    void whatIsToldToBeMadeFromATensorIsAndNothingElse(String kernels) {
        Mt3Model model = models.get(kernels);
        Map<String, float[]> healthy = run(model, ALL, Map.of());
        Set<String> names =
                healthy.keySet().stream().map(ComputationsTest::name).collect(Collectors.toSet());
        for (String disturbed : names) {
            Map<String, float[]> instead = new LinkedHashMap<>(healthy);
            instead.replaceAll(
                    (place, values) -> name(place).equals(disturbed) ? disturbed(disturbed, values) : values);
            Set<String> changed = run(model, ALL, instead).entrySet().stream()
                    .filter(made -> !Arrays.equals(made.getValue(), healthy.get(made.getKey())))
                    .map(made -> name(made.getKey()))
                    .collect(Collectors.toCollection(TreeSet::new));
            Set<String> told = computations().stream()
                    .filter(each -> each.output().equals(TOLD_FROM_FARTHER)
                            ? disturbed.equals(NEARER)
                            : each.inputs().contains(disturbed))
                    .map(Computation::output)
                    .collect(Collectors.toCollection(TreeSet::new));
            assertEquals(told, changed, "with another " + disturbed);
        }
    }

    /** With nothing else looked at, so that all is fused that can be, another tensor has the same consequences. */
    @ParameterizedTest
    @MethodSource("kernels")
    void overwrittenAloneIsTheSame(String kernels) {
        Mt3Model model = models.get(kernels);
        Map<String, float[]> healthy = run(model, ALL, Map.of());
        Set<String> names =
                healthy.keySet().stream().map(ComputationsTest::name).collect(Collectors.toSet());
        for (String disturbed : names) {
            Map<String, float[]> instead = new LinkedHashMap<>();
            healthy.forEach((place, values) -> {
                if (name(place).equals(disturbed)) {
                    instead.put(place, disturbed(disturbed, values));
                }
            });
            Map<String, float[]> seen = run(model, ALL, instead);
            Map<String, float[]> alone = run(model, name -> name.equals(disturbed) || name.equals(END), instead);
            for (String step : List.of(" 0", " 3")) {
                // Logits of some units; sums in another order than where all is looked at.
                assertArrayEquals(seen.get(END + step), alone.get(END + step), 1e-5f, "with another " + disturbed);
                assertEquals(
                        disturbed.equals(END), Arrays.equals(healthy.get(END + step), seen.get(END + step)), disturbed);
            }
        }
    }
}
