package org.luthier.model.basicpitch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.luthier.api.model.Computation;
import org.luthier.api.model.FrameModel;
import org.luthier.api.model.Frontend;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.HostFloats;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The layers of Basic Pitch tell what they do: from the samples to the posteriorgrams. */
class ComputationsTest {
    private static final String GIVEN = "frontend.in";

    /** Made from the tensor behind it, but told as made from what that comes from. */
    private static final String TOLD_FROM_FARTHER = "onset2.pre";

    private static final String NEARER = "onset2.in";

    private static final Predicate<String> ALL = name -> true;
    private static final Set<String> ENDS = Set.of("contour2", "note2", "onset2");

    /** The plain ones are slow, and layers have the same ways with all. */
    private static final List<String> KERNELS = List.of("cpu", "nd4j");

    private static Map<String, FrameModel> models;
    private static List<Layer> layers;
    private static float[] samples;

    @BeforeAll
    static void load() {
        models = KERNELS.stream().collect(Collectors.toMap(id -> id, Goldens::model));
        layers = models.get("cpu").root().children();
        samples = Goldens.floats(Goldens.SAMPLE.resolve("wave_22050.npy")).get("array");
    }

    @AfterAll
    static void close() {
        models.values().forEach(FrameModel::close);
    }

    static List<String> kernels() {
        return KERNELS;
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
            made.put(name, HostFloats.copy(tensor));
            if (instead.containsKey(name)) {
                HostFloats.write(instead.get(name), tensor);
            }
        }
    }

    /** One window, what was given included. */
    private static Map<String, float[]> run(FrameModel model, Predicate<String> wanted, Map<String, float[]> instead) {
        Isolation probe = new Isolation(wanted, new LinkedHashMap<>(), instead);
        Position at = Position.segments(1, 1);
        try (INDArray sound = Goldens.cut(model, samples, 1, 1);
                Frontend.Session frontend = model.frontend().open(1);
                FrameModel.Session session = model.open(1)) {
            probe.tap(GIVEN, at, sound);
            session.run(frontend.features(sound, Goldens.lengths(model, samples, 1, 1), at, probe), at, probe);
        }
        return probe.made();
    }

    private static float[] disturbed(float[] values) {
        float[] others = new float[values.length];
        for (int i = 0; i < values.length; i++) {
            others[i] = values[i] * (1 + i % 3) + 0.01f * (i % 2);
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
        Set<String> seen = new LinkedHashSet<>(List.of(GIVEN));
        for (String name : run(models.get("cpu"), ALL, Map.of()).keySet()) {
            for (Computation computation : computations()) {
                if (computation.output().equals(name)) {
                    assertTrue(seen.containsAll(computation.inputs()), computation + " after " + seen);
                }
            }
            seen.add(name);
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
                        role.equals("weight") ? 4 : 1, weights.get(name).shape().size(), computation.toString());
            });
        }
        assertEquals(weights.keySet(), used);
    }

    @Test
    void everySettingOfAWordIsGiven() {
        Map<String, Set<String>> expected = Map.of(
                Computation.CONVOLUTION,
                Set.of("activation", "frequencyStride", "timePadding", "frequencyPadding"),
                Computation.ACTIVATION,
                Set.of("activation"));
        for (Computation computation : computations()) {
            assertEquals(
                    expected.getOrDefault(computation.operation(), Set.of()),
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
        FrameModel model = models.get(kernels);
        Map<String, float[]> healthy = run(model, ALL, Map.of());
        for (String disturbed : healthy.keySet()) {
            Map<String, float[]> instead = new LinkedHashMap<>(healthy);
            instead.computeIfPresent(disturbed, (name, values) -> disturbed(values));
            Set<String> changed = run(model, ALL, instead).entrySet().stream()
                    .filter(made -> !Arrays.equals(made.getValue(), healthy.get(made.getKey())))
                    .map(Map.Entry::getKey)
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
        FrameModel model = models.get(kernels);
        Map<String, float[]> healthy = run(model, ALL, Map.of());
        for (String disturbed : healthy.keySet()) {
            Map<String, float[]> instead = Map.of(disturbed, disturbed(healthy.get(disturbed)));
            Map<String, float[]> seen = run(model, ALL, instead);
            Map<String, float[]> alone = run(model, name -> name.equals(disturbed) || ENDS.contains(name), instead);
            for (String end : ENDS) {
                // Probabilities; an activation by itself or with the convolution.
                assertArrayEquals(seen.get(end), alone.get(end), 1e-5f, "with another " + disturbed);
            }
            boolean same = ENDS.stream().allMatch(end -> Arrays.equals(healthy.get(end), seen.get(end)));
            assertEquals(disturbed.equals("onset2"), same, disturbed);
        }
    }
}
