package org.luthier.model.yourmt3;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.luthier.api.model.Frontend;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.api.model.Session;
import org.luthier.nn.Convolution;
import org.luthier.nn.Kernels;
import org.luthier.nn.KeyValueCache;
import org.luthier.nn.KeyValues;
import org.luthier.nn.Projection;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Closing a session and a model frees all that they had, at once and not when the garbage is collected. */
class MemoryTest {
    /** Sees what kernels make and what they are given, between a model and the plain kernels. */
    private static final class Watch {
        private static final Set<Class<?>> MADE =
                Set.of(Projection.class, Convolution.class, KeyValues.class, KeyValueCache.class);

        private final Set<Object> open = Collections.newSetFromMap(new IdentityHashMap<>());
        private final Set<INDArray> given = Collections.newSetFromMap(new IdentityHashMap<>());

        <T> T watch(Class<T> type, Object object) {
            return type.cast(Proxy.newProxyInstance(
                    type.getClassLoader(),
                    new Class<?>[] {type},
                    (proxy, method, arguments) -> call(proxy, object, method, arguments)));
        }

        private Object call(Object proxy, Object object, Method method, Object[] arguments) throws Throwable {
            if (method.getName().equals("close")) {
                assertTrue(open.remove(proxy), "closed twice");
            }
            for (Object argument : arguments == null ? new Object[0] : arguments) {
                if (argument instanceof INDArray array) {
                    given.add(array);
                }
            }
            Object made;
            try {
                made = method.invoke(object, arguments);
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
            if (!MADE.contains(method.getReturnType())) {
                return made;
            }
            Object watched = watch(method.getReturnType(), made);
            open.add(watched);
            return watched;
        }

        long tensorsInMemory() {
            return given.stream().filter(array -> !array.data().wasClosed()).count();
        }
    }

    /** Sees all, of whatever names and as often as it is offered. */
    private static final Probe CURIOUS = new Probe() {
        @Override
        public boolean wants(String name) {
            return true;
        }

        @Override
        public void tap(String name, Position at, INDArray tensor) {}
    };

    static Stream<String> models() {
        return SmallModels.all().keySet().stream();
    }

    /** Batches of several sizes, prompts, rows that leave and come. */
    private static void use(YourMt3Model model, Session session) {
        int channels = model.layout().channels();
        for (int segments : new int[] {2, 3, 1}) {
            List<Long> frame = model.frontend().featureShape();
            int rows = segments * channels;
            try (INDArray features = Nd4j.zeros(DataType.FLOAT, segments, frame.get(0), frame.get(1))) {
                session.begin(features, Position.segments(0, segments));
                session.prefill(Collections.nCopies(rows, IntLists.immutable.of(0, 5, 6)));
                session.step(new int[rows], null);
                session.retain(new int[] {0});
                session.reorder(new int[] {0, 0, 0});
                session.step(new int[3], null);
                try (INDArray kept = session.encoded().dup('c')) {
                    session.beginEncoded(kept, Position.segments(0, segments));
                    session.step(new int[rows], null);
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("models")
    void closingFreesEverything(String name) {
        Watch watch = new Watch();
        List<INDArray> features = new ArrayList<>();
        try (YourMt3Model model =
                SmallModels.load(SmallModels.all().get(name), watch.watch(Kernels.class, Kernels.named("plain")))) {
            int weights = watch.open.size();
            assertTrue(weights > 0);
            for (Probe probe : List.of(Probe.NONE, CURIOUS)) {
                try (Frontend.Session frontend = model.frontend().open(2);
                        INDArray samples = Nd4j.zeros(
                                DataType.FLOAT, 2, model.frontend().framing().window())) {
                    features.add(frontend.features(samples, new int[] {9, 9}, Position.segments(0, 2), probe));
                }
                try (Session session = model.open(2, probe)) {
                    use(model, session);
                    assertTrue(watch.open.size() > weights, "a session has keys and values");
                }
                assertEquals(weights, watch.open.size(), "keys and values after closing the session");
            }
        }
        assertEquals(0, watch.open.size(), "matrices after closing the model");
        assertTrue(watch.given.size() > 100);
        assertEquals(0, watch.tensorsInMemory(), "tensors of the sessions and the model");
        features.forEach(each -> assertTrue(each.data().wasClosed(), "features after closing the front end"));
    }
}
