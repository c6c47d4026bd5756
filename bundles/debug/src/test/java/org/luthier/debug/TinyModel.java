package org.luthier.debug;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.luthier.api.checkpoint.DType;
import org.luthier.api.checkpoint.Ledger;
import org.luthier.api.model.Computation;
import org.luthier.api.model.FrameModel;
import org.luthier.api.model.Framing;
import org.luthier.api.model.Frontend;
import org.luthier.api.model.Layer;
import org.luthier.api.model.ModelDefinition;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.api.notes.FrameLayout;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A whole frame model in a few lines: 8 samples a segment become features [4, 2], which pass "narrow" and "wide" side by side and meet
 * in "out". Every layer multiplies by a weight of two numbers.
 */
final class TinyModel implements FrameModel {
    private static final int FRAMES = 4;
    private final Map<String, float[]> weights = new LinkedHashMap<>();

    TinyModel() {
        weights.put("narrow.weight", new float[] {0.5f, -1.5f});
        weights.put("wide.weight", new float[] {2f, 3f});
        weights.put("out.weight", new float[] {1f, 0.25f});
    }

    /** Changes one weight. */
    TinyModel with(String weight, float first) {
        weights.get(weight)[0] = first;
        return this;
    }

    private record Node(
            String name,
            List<Layer> children,
            List<String> taps,
            List<Computation> computations,
            List<Layer.Weight> weights)
            implements Layer {
        static Node of(String name, List<Computation> computations) {
            Weight weight = new Weight(name + ".weight", List.of(2L), DType.F32, "model/" + name + "/kernel");
            List<String> taps = computations.stream().map(Computation::output).toList();
            return new Node(name, List.of(), taps, computations, List.of(weight));
        }
    }

    private static Computation weighing(String name, String input) {
        return new Computation(name, "weighing", List.of(input), Map.of("weight", name + ".weight"), Map.of());
    }

    private static final Layer FRONTEND = new Node(
            "frontend",
            List.of(),
            List.of("frontend.magnitude", "frontend.log"),
            List.of(
                    new Computation("frontend.magnitude", "square", List.of("frontend.in"), Map.of(), Map.of()),
                    new Computation("frontend.log", "one more", List.of("frontend.magnitude"), Map.of(), Map.of())),
            List.of());

    @Override
    public Layer root() {
        Computation meeting = new Computation("out.in", Computation.SUM, List.of("narrow", "wide"), Map.of(), Map.of());
        return new Node(
                "tiny",
                List.of(
                        FRONTEND,
                        Node.of("narrow", List.of(weighing("narrow", "frontend.log"))),
                        Node.of("wide", List.of(weighing("wide", "frontend.log"))),
                        Node.of("out", List.of(meeting, weighing("out", "out.in")))),
                List.of(),
                List.of(),
                List.of());
    }

    private INDArray weigh(INDArray in, String name) {
        return in.mul(Nd4j.createFromArray(weights.get(name + ".weight"))
                .reshape(1, 1, 2)
                .broadcast(in.shape()));
    }

    @Override
    public Session open(int rows) {
        return new Session() {
            @Override
            public List<INDArray> run(INDArray features, Position at, Probe probe) {
                INDArray narrow = weigh(features, "narrow");
                probe.offer("narrow", at, narrow);
                INDArray wide = weigh(features, "wide");
                probe.offer("wide", at, wide);
                INDArray in = narrow.add(wide);
                probe.offer("out.in", at, in);
                INDArray out = weigh(in, "out");
                probe.offer("out", at, out);
                return List.of(out);
            }

            @Override
            public void close() {}
        };
    }

    @Override
    public Frontend frontend() {
        return new Frontend() {
            @Override
            public Framing framing() {
                return new Framing(100, 8, 4, 2, 0);
            }

            @Override
            public Layer layer() {
                return FRONTEND;
            }

            @Override
            public List<Long> featureShape() {
                return List.of((long) FRAMES, 2L);
            }

            @Override
            public Session open(int rows) {
                return new Session() {
                    @Override
                    public INDArray features(INDArray samples, int[] lengths, Position at, Probe probe) {
                        INDArray magnitude = samples.mul(samples).reshape(samples.rows(), FRAMES, 2);
                        probe.offer("frontend.magnitude", at, magnitude);
                        INDArray log = magnitude.add(1);
                        probe.offer("frontend.log", at, log);
                        return log;
                    }

                    @Override
                    public void close() {}
                };
            }
        };
    }

    @Override
    public ModelDefinition definition() {
        return new ModelDefinition(
                "tiny", "", "tiny", null, null, "none", null, Map.of(), "none", List.of(), "", "", Path.of("nowhere"));
    }

    @Override
    public FrameLayout layout() {
        return new FrameLayout(50, List.of(new FrameLayout.Output("out", 2, 60, 1)));
    }

    @Override
    public Joining joining() {
        throw new UnsupportedOperationException("not needed here");
    }

    @Override
    public Ledger ledger() {
        return new Ledger("nowhere", "", "tiny", List.of());
    }

    @Override
    public void close() {}
}
