package org.luthier.shell;

import java.net.URL;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.DType;
import org.luthier.api.checkpoint.Ledger;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Computation;
import org.luthier.api.model.Execution;
import org.luthier.api.model.FrameModel;
import org.luthier.api.model.Framing;
import org.luthier.api.model.Frontend;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Model;
import org.luthier.api.model.ModelDefinition;
import org.luthier.api.model.ModelFamily;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.api.notes.FrameClock;
import org.luthier.api.notes.FrameLayout;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A model with one weight: ten samples a second, each of which is a frame, times the gain. */
final class ToyFamily implements ModelFamily {
    private static final int WINDOW = 4;
    private static final int RATE = 10;

    /** What the model ran on last. */
    Execution execution;

    @Override
    public String id() {
        return "toy-family";
    }

    @Override
    public String description() {
        return "One weight.";
    }

    @Override
    public boolean recognises(Checkpoint checkpoint) {
        return checkpoint.tensors().containsKey("gain");
    }

    @Override
    public boolean fits(ModelDefinition definition, Checkpoint checkpoint) {
        String colour = checkpoint.metadata().get("colour");
        return colour == null || colour.equals(definition.configuration().get("colour"));
    }

    @Override
    public Optional<ModelDefinition> definition(Checkpoint checkpoint, Path path) {
        return Optional.ofNullable(checkpoint.metadata().get("colour"))
                .map(colour -> new ModelDefinition(
                        "toy-own",
                        "What it says itself",
                        id(),
                        null,
                        null,
                        "toy-notes",
                        null,
                        Map.of("colour", colour),
                        path.getFileName().toString(),
                        List.of(),
                        "not known",
                        null,
                        path.toAbsolutePath().getParent()));
    }

    @Override
    public List<URL> nameRules() {
        return List.of(ToyFamily.class.getResource("toy-names.json"));
    }

    @Override
    public Model load(ModelDefinition definition, Weights weights, Execution wanted) {
        execution = wanted;
        float gain = weights.take("gain", 1)[0];
        weights.finish();
        return new ToyModel(definition, gain, weights.ledger());
    }

    private record Node(
            String name,
            List<Layer> children,
            List<String> taps,
            List<Computation> computations,
            List<Layer.Weight> weights)
            implements Layer {}

    private record ToyModel(ModelDefinition definition, float gain, Ledger ledger) implements FrameModel {
        private static final Layer FRONTEND = new Node(
                "frontend",
                List.of(),
                List.of("frontend.samples"),
                List.of(new Computation("frontend.samples", "copy", List.of("frontend.in"), Map.of(), Map.of())),
                List.of());
        private static final Layer AMPLIFIER = new Node(
                "amplifier",
                List.of(),
                List.of("amplifier"),
                List.of(new Computation(
                        "amplifier", "gain", List.of("frontend.samples"), Map.of("gain", "gain"), Map.of())),
                List.of(new Layer.Weight("gain", List.of(1L), DType.F32, "gain")));

        @Override
        public Layer root() {
            return new Node("toy", List.of(FRONTEND, AMPLIFIER), List.of(), List.of(), List.of());
        }

        @Override
        public FrameLayout layout() {
            return new FrameLayout(RATE, List.of(new FrameLayout.Output("level", 1, 60, 1)));
        }

        @Override
        public List<String> outputTaps() {
            return List.of("amplifier");
        }

        @Override
        public Joining joining() {
            return new Joining() {
                @Override
                public int segmentFrames() {
                    return WINDOW;
                }

                @Override
                public int trim() {
                    return 0;
                }

                @Override
                public int frames(long samples) {
                    return (int) samples;
                }

                @Override
                public FrameClock clock() {
                    return frame -> (double) frame / RATE;
                }
            };
        }

        @Override
        public Frontend frontend() {
            return new Frontend() {
                @Override
                public Framing framing() {
                    return new Framing(RATE, WINDOW, WINDOW, 0, 0);
                }

                @Override
                public Layer layer() {
                    return FRONTEND;
                }

                @Override
                public List<Long> featureShape() {
                    return List.of((long) WINDOW);
                }

                @Override
                public Session open(int rows) {
                    return new Session() {
                        @Override
                        public INDArray features(INDArray samples, int[] lengths, Position at, Probe probe) {
                            probe.offer("frontend.samples", at, samples);
                            return samples;
                        }

                        @Override
                        public void close() {}
                    };
                }
            };
        }

        @Override
        public Session open(int rows) {
            return new Session() {
                @Override
                public List<INDArray> run(INDArray features, Position at, Probe probe) {
                    INDArray level = features.mul(gain);
                    probe.offer("amplifier", at, level);
                    return List.of(level.reshape(level.size(0), WINDOW, 1));
                }

                @Override
                public void close() {}
            };
        }

        @Override
        public void close() {}
    }
}
