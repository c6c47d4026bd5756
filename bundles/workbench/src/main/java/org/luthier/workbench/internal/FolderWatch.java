package org.luthier.workbench.internal;

import java.io.File;
import org.apache.felix.fileinstall.ArtifactInstaller;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;

/** Takes the jars of the watched folder from FileInstall, so that a jar that is dropped there is swapped in as a command would. */
final class FolderWatch implements ArtifactInstaller {
    private final PluginBundles plugins;

    private FolderWatch(PluginBundles plugins) {
        this.plugins = plugins;
    }

    /** Offers to take the jars. */
    static ServiceRegistration<?> register(BundleContext context, PluginBundles plugins) {
        return context.registerService(ArtifactInstaller.class, new FolderWatch(plugins), null);
    }

    @Override
    public boolean canHandle(File artifact) {
        return plugins.isPluginFile(artifact.toPath());
    }

    @Override
    public void install(File artifact) {
        plugins.appeared(artifact.toPath());
    }

    @Override
    public void update(File artifact) {
        plugins.appeared(artifact.toPath());
    }

    @Override
    public void uninstall(File artifact) {
        plugins.disappeared(artifact.toPath());
    }
}
