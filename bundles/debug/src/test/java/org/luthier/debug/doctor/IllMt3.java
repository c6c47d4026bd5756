package org.luthier.debug.doctor;

import static org.nd4j.linalg.indexing.NDArrayIndex.all;
import static org.nd4j.linalg.indexing.NDArrayIndex.interval;

import java.net.URL;
import java.util.BitSet;
import java.util.List;
import org.eclipse.collections.api.list.primitive.IntList;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.Ledger;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Execution;
import org.luthier.api.model.Frontend;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Model;
import org.luthier.api.model.ModelDefinition;
import org.luthier.api.model.ModelFamily;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.api.model.Session;
import org.luthier.api.model.TokenModel;
import org.luthier.model.mt3.Mt3Family;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The models of MT3 with a decoder that forgets, as ports of it did. */
record IllMt3(Illness illness) implements ModelFamily {
    private static final ModelFamily HEALTHY = new Mt3Family();

    /** What goes wrong step by step, and only then. */
    enum Illness {
        /** Self attention sees the newest key only; the positions are right. */
        LOST_CACHE,
        /** The same, with positions that stay at the first: the session begins anew at every step. */
        BEGINS_ANEW,
        /** The start id is fed at every step. */
        NOT_FED_BACK,
        /** The first two keys are exchanged. */
        MIXED_UP
    }

    @Override
    public String id() {
        return HEALTHY.id();
    }

    @Override
    public String description() {
        return "MT3, ill";
    }

    @Override
    public boolean recognises(Checkpoint checkpoint) {
        return HEALTHY.recognises(checkpoint);
    }

    @Override
    public boolean fits(ModelDefinition definition, Checkpoint checkpoint) {
        return HEALTHY.fits(definition, checkpoint);
    }

    @Override
    public List<URL> nameRules() {
        return HEALTHY.nameRules();
    }

    @Override
    public List<URL> referenceAdapters() {
        return HEALTHY.referenceAdapters();
    }

    @Override
    public Model load(ModelDefinition definition, Weights weights, Execution execution) {
        return new IllModel((TokenModel) HEALTHY.load(definition, weights, execution), illness);
    }

    private record IllModel(TokenModel model, Illness illness) implements TokenModel {
        @Override
        public ModelDefinition definition() {
            return model.definition();
        }

        @Override
        public Frontend frontend() {
            return model.frontend();
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
        public Session open(int rows, Probe probe) {
            Tampering tampering = new Tampering(illness, probe);
            return new IllSession(model.open(rows, tampering), tampering, illness);
        }

        @Override
        public void close() {
            model.close();
        }
    }

    /** Overwrites scores of self attention while a step is made. */
    private static final class Tampering implements Probe {
        private final Illness illness;
        private final Probe probe;
        private boolean stepping;

        Tampering(Illness illness, Probe probe) {
            this.illness = illness;
            this.probe = probe;
        }

        private boolean tampers(String name) {
            return name.endsWith(".self_attention.logits")
                    && (illness == Illness.LOST_CACHE || illness == Illness.MIXED_UP);
        }

        @Override
        public boolean wants(String name) {
            return tampers(name) || probe.wants(name);
        }

        @Override
        public void tap(String name, Position at, INDArray tensor) {
            long keys = tensor.size(3 < tensor.rank() ? 3 : tensor.rank() - 1);
            if (stepping && tampers(name) && keys > 1) {
                if (illness == Illness.LOST_CACHE) {
                    tensor.get(all(), all(), all(), interval(0, keys - 1)).assign(-1e10);
                } else {
                    INDArray first =
                            tensor.get(all(), all(), all(), interval(0, 1)).dup();
                    tensor.get(all(), all(), all(), interval(0, 1))
                            .assign(tensor.get(all(), all(), all(), interval(1, 2)));
                    tensor.get(all(), all(), all(), interval(1, 2)).assign(first);
                }
            }
            probe.offer(name, at, tensor);
        }
    }

    private static final class IllSession implements Session {
        private final Session session;
        private final Tampering tampering;
        private final Illness illness;
        private INDArray encoded;
        private Position at;

        IllSession(Session session, Tampering tampering, Illness illness) {
            this.session = session;
            this.tampering = tampering;
            this.illness = illness;
        }

        @Override
        public void begin(INDArray features, Position rows) {
            session.begin(features, rows);
            encoded = session.encoded().dup('c');
            at = rows;
        }

        @Override
        public INDArray encoded() {
            return session.encoded();
        }

        @Override
        public void beginEncoded(INDArray kept, Position rows) {
            session.beginEncoded(kept, rows);
            encoded = kept.dup('c');
            at = rows;
        }

        @Override
        public int rows() {
            return session.rows();
        }

        @Override
        public void prefill(List<? extends IntList> prompts) {
            session.prefill(prompts);
        }

        @Override
        public int[] step(int[] ids, BitSet[] allowed) {
            if (illness == Illness.BEGINS_ANEW) {
                session.beginEncoded(encoded, at);
            }
            tampering.stepping = true;
            try {
                return session.step(illness == Illness.NOT_FED_BACK ? new int[ids.length] : ids, allowed);
            } finally {
                tampering.stepping = false;
            }
        }

        @Override
        public INDArray logits() {
            return session.logits();
        }

        @Override
        public void reorder(int[] sources) {
            session.reorder(sources);
        }

        @Override
        public void retain(int[] kept) {
            session.retain(kept);
        }

        @Override
        public void close() {
            session.close();
        }
    }
}
