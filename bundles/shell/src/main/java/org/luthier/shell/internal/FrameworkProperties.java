package org.luthier.shell.internal;

import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;

/** The properties of the framework that the shell runs in. */
@Component
public final class FrameworkProperties implements Surroundings {
    private final BundleContext context;

    @Activate
    public FrameworkProperties(BundleContext context) {
        this.context = context;
    }

    @Override
    public String property(String name) {
        return context.getProperty(name);
    }
}
