package org.luthier.debug.faults;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.luthier.api.checkpoint.Ledger;
import org.luthier.api.model.FrameModel;
import org.luthier.api.model.Framing;
import org.luthier.api.model.Frontend;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Model;
import org.luthier.api.model.ModelDefinition;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.api.model.Session;
import org.luthier.api.model.TokenModel;
import org.luthier.debug.faults.Fault.Injection;
import org.luthier.debug.faults.Fault.OfComputation;
import org.luthier.debug.faults.Fault.OfDecoding;
import org.luthier.debug.faults.Fault.OfSamples;
import org.luthier.debug.faults.Fault.Tensor;
import org.luthier.nn.HostFloats;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Models with faults other than those of their weights. A wrong computation takes the place of the right one before any other probe sees
 * it, so that it is as if the layer made it. Runs that nobody watches go by themselves: the wrong computations are left out there.
 */
final class Tampered {
    private Tampered() {}

    /** @param closing what to do when nobody uses it any more */
    static Model of(Model model, List<Injection> faults, Values weights, Runnable closing) {
        return model instanceof FrameModel frames
                ? new Frames(frames, faults, weights, closing)
                : new Tokens((TokenModel) model, faults, weights, closing, new HashMap<>());
    }

    private record Frames(FrameModel model, List<Injection> faults, Values weights, Runnable closing)
            implements FrameModel {
        @Override
        public ModelDefinition definition() {
            return model.definition();
        }

        @Override
        public Frontend frontend() {
            return new Front(model.frontend(), faults, weights, new HashMap<>());
        }

        @Override
        public Layer root() {
            return model.root();
        }

        @Override
        public Ledger ledger() {
            return model.ledger();
        }

        @Override
        public org.luthier.api.notes.FrameLayout layout() {
            return model.layout();
        }

        @Override
        public Joining joining() {
            return model.joining();
        }

        @Override
        public List<String> outputTaps() {
            return model.outputTaps();
        }

        @Override
        public FrameModel.Session open(int rows) {
            FrameModel.Session session = model.open(rows);
            return new FrameModel.Session() {
                @Override
                public List<INDArray> run(INDArray features, Position at, Probe probe) {
                    List<String> taps = model.frontend().layer().taps();
                    Map<String, Tensor> known = new HashMap<>();
                    known.put(taps.get(taps.size() - 1), tensor(features));
                    return session.run(features, at, probe(faults, weights, probe, known));
                }

                @Override
                public void close() {
                    session.close();
                }
            };
        }

        @Override
        public void close() {
            closing.run();
        }
    }

    /** @param known what the front end has made, and is an input of a wrong computation */
    private record Tokens(
            TokenModel model, List<Injection> faults, Values weights, Runnable closing, Map<String, Tensor> known)
            implements TokenModel {
        @Override
        public ModelDefinition definition() {
            return model.definition();
        }

        @Override
        public Frontend frontend() {
            return new Front(model.frontend(), faults, weights, known);
        }

        @Override
        public Layer root() {
            return model.root();
        }

        @Override
        public Ledger ledger() {
            return model.ledger();
        }

        @Override
        public TokenLayout layout() {
            return model.layout();
        }

        @Override
        public int earliestEnd() {
            return model.earliestEnd();
        }

        @Override
        public Session open(int rows, Probe probe) {
            Probe watcher = probe(faults, weights, probe, known);
            for (Injection fault : faults) {
                if (fault instanceof OfDecoding decoding) {
                    return decoding.change().open(model, rows, watcher);
                }
            }
            return model.open(rows, watcher);
        }

        @Override
        public void close() {
            closing.run();
        }
    }

    private record Front(Frontend frontend, List<Injection> faults, Values weights, Map<String, Tensor> known)
            implements Frontend {
        @Override
        public Framing framing() {
            return frontend.framing();
        }

        @Override
        public Layer layer() {
            return frontend.layer();
        }

        @Override
        public List<Long> featureShape() {
            return frontend.featureShape();
        }

        @Override
        public Frontend.Session open(int rows) {
            Frontend.Session session = frontend.open(rows);
            return new Frontend.Session() {
                @Override
                public INDArray features(INDArray samples, int[] lengths, Position at, Probe probe) {
                    INDArray changed = changed(samples);
                    known.put(frontend.layer().name() + ".in", tensor(changed));
                    return session.features(changed, lengths, at, probe(faults, weights, probe, known));
                }

                @Override
                public void close() {
                    session.close();
                }
            };
        }

        private INDArray changed(INDArray samples) {
            float[] values = HostFloats.copy(samples);
            for (Injection fault : faults) {
                if (fault instanceof OfSamples sound) {
                    values = sound.change().apply(values);
                }
            }
            return Nd4j.create(values, samples.shape(), 'c');
        }
    }

    /** @param known tensors that are not tapped; takes those that are, and are inputs */
    private static Probe probe(List<Injection> faults, Values weights, Probe watcher, Map<String, Tensor> known) {
        List<OfComputation> wrong = faults.stream()
                .filter(OfComputation.class::isInstance)
                .map(OfComputation.class::cast)
                .toList();
        return watcher == Probe.NONE || wrong.isEmpty()
                ? watcher
                : new WrongComputations(wrong, weights, watcher, known);
    }

    private static Tensor tensor(INDArray tensor) {
        int[] shape = LongStream.of(tensor.shape()).mapToInt(Math::toIntExact).toArray();
        return new Tensor(shape, HostFloats.copy(tensor));
    }

    /** Computes some tensors otherwise, from what the watcher has left of their inputs. */
    private record WrongComputations(
            List<OfComputation> faults, Values weights, Probe watcher, Map<String, Tensor> known) implements Probe {
        @Override
        public boolean wants(String name) {
            return watcher.wants(name)
                    || isInput(name)
                    || faults.stream().anyMatch(fault -> fault.tap().equals(name));
        }

        private boolean isInput(String name) {
            return faults.stream().anyMatch(fault -> fault.inputs().contains(name));
        }

        @Override
        public void tap(String name, Position at, INDArray tensor) {
            for (OfComputation fault : faults) {
                if (fault.tap().equals(name)) {
                    List<Tensor> inputs = new ArrayList<>();
                    fault.inputs().forEach(input -> inputs.add(known.get(input)));
                    HostFloats.write(fault.computed().of(tensor(tensor), inputs, weights), tensor);
                }
            }
            watcher.offer(name, at, tensor);
            if (isInput(name)) {
                known.put(name, tensor(tensor));
            }
        }
    }
}
